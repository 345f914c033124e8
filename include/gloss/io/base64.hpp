// Bytes as text of 64 characters, for pictures within HTML and SVG.
#pragma once

#include <string>
#include <string_view>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// Three bytes as four characters, padded with '='.
/// Source: RFC 4648, section 4
inline std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) text += i > group.size() ? '=' : digits[bits >> (18 - 6 * i) & 63];
  }
  return text;
}

}  // namespace gloss::inline GLOSS_ABI::io
