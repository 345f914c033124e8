// Where scripts/fetch_real_weights.sh has put the weights of real models.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/catch.hpp"

namespace gloss_test {

/// The folder of a package; without one a warning, and nothing.
inline std::string real_weights(const std::string& package) {
  const char* const given = std::getenv("GLOSS_REAL_WEIGHTS");
  const std::string folder = std::string(given ? given : GLOSS_SOURCE_DIR "/build-weights") + "/" + package;
  if (std::filesystem::is_directory(folder)) return folder;
  WARN("skipped: " << folder << " is not there; scripts/fetch_real_weights.sh makes it");
  return "";
}

/// The file in it that has this extension.
inline std::string real_weights_file(const std::string& package, const std::string& extension) {
  const std::string folder = real_weights(package);
  if (folder.empty()) return "";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == extension) return entry.path().string();
  FAIL(folder << " has no " << extension);
  return "";
}

}  // namespace gloss_test
