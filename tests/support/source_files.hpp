// Reads the project's own files, for the tests that keep its rules.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gloss_test {

struct SourceFile {
  std::string name;  // relative to the folder that was searched, as in "core/shape.hpp"
  std::vector<std::string> lines;

  /// Its folder, "" at the top.
  std::string folder() const {
    const auto slash = name.find('/');
    return slash == std::string::npos ? "" : name.substr(0, slash);
  }

  /// What it includes: "<gloss/core/shape.hpp>" or "\"support/catch.hpp\"", with the line number.
  std::vector<std::pair<std::string, int>> includes() const {
    std::vector<std::pair<std::string, int>> found;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::string_view line = lines[i];
      const auto skip_blanks = [&] {
        while (!line.empty() && (line[0] == ' ' || line[0] == '\t')) line.remove_prefix(1);
      };
      skip_blanks();
      if (!line.starts_with('#')) continue;
      line.remove_prefix(1);
      skip_blanks();
      if (!line.starts_with("include")) continue;
      line.remove_prefix(7);
      skip_blanks();
      if (line.empty()) continue;
      const auto end = line.find(line[0] == '<' ? '>' : '"', 1);
      if (end != std::string_view::npos) found.emplace_back(line.substr(0, end + 1), static_cast<int>(i + 1));
    }
    return found;
  }

  std::string at(int line) const { return name + ":" + std::to_string(line); }
};

/// All files below `root` with one of these extensions, sorted by name.
inline std::vector<SourceFile> read_sources(const std::filesystem::path& root,
                                            const std::vector<std::string>& extensions = {".hpp"}) {
  std::vector<SourceFile> files;
  if (!std::filesystem::exists(root)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string extension = entry.path().extension().string();
    if (std::find(extensions.begin(), extensions.end(), extension) == extensions.end()) continue;
    SourceFile file{entry.path().lexically_relative(root).generic_string(), {}};
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) file.lines.push_back(line);
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

}  // namespace gloss_test
