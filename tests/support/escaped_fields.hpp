#pragma once

#include <string>
#include <vector>

namespace gloss_test {

/// The fields of a line, between tabs, with \n, \t, \r and \\ for what a line cannot hold.
inline std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> result(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      result.emplace_back();
    } else if (line[i] == '\\') {
      const char c = line[++i];
      result.back() += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    } else {
      result.back() += line[i];
    }
  }
  return result;
}

}  // namespace gloss_test
