// Text as a JSON string.
#pragma once

#include <string>
#include <string_view>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

/// The text in quotes, with quotes, backslashes and control characters escaped. It must be UTF-8.
GLOSS_LAZY GLOSS_COLD std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      const char* const hex = "0123456789abcdef";
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace gloss::inline GLOSS_ABI
