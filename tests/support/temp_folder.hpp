// A folder that lives as long as a test does.
#pragma once

#include <cstdio>
#include <filesystem>
#include <random>
#include <string>

struct TempFolder {
  std::filesystem::path path;

  TempFolder() {
    std::random_device random;
    do path = std::filesystem::temp_directory_path() / ("gloss-test-" + std::to_string(random()));
    while (!std::filesystem::create_directory(path));
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  /// The path of a file in it.
  std::string file(const std::string& name) const { return (path / name).string(); }
  /// Writes one and gives its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    std::FILE* out = std::fopen(file(name).c_str(), "wb");
    std::fwrite(bytes.data(), 1, bytes.size(), out);
    std::fclose(out);
    return file(name);
  }
};
