// What readers of text files share: lines, their ends, and what to say about one that is wrong.
#pragma once

#include <string_view>

#include <gloss/core/error.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {

namespace detail {

inline bool starts_with_bom(std::string_view text) { return text.substr(0, 3) == "\xEF\xBB\xBF"; }

/// Throws LoadError "function: name:line: cause...".
template <class... Parts>
[[noreturn]] void fail_at_line(const char* function, std::string_view name, std::size_t line, const Parts&... cause) {
  fail<LoadError>(function, ": ", name, ":", line, ": ", cause...);
}

inline void check_utf8_line(const char* function, std::string_view name, std::size_t line, std::string_view text) {
  const std::size_t bad = find_ill_formed_utf8(text);
  if (bad != std::string_view::npos) fail_at_line(function, name, line, "not UTF-8 at byte ", bad + 1, " of the line");
}

/// What ends the lines of a text: "\n", or "\r" in one that has no "\n".
inline char line_end(std::string_view text) { return text.find('\n') == std::string_view::npos ? '\r' : '\n'; }

/// Takes the first line off `rest`, without its `end_of_line` and a "\r" before that.
inline std::string_view take_line(std::string_view& rest, char end_of_line = '\n') {
  const std::size_t end = rest.find(end_of_line);
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::text
