// Base64, as JSON files and lists of ranks hold bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// The bytes of a text in base64, with or without its padding; nothing if it is none.
GLOSS_LAZY std::optional<std::string> decode_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  unsigned value = 0;
  int bits = 0;
  for (const char c : text) {
    const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (digit < 0) return std::nullopt;
    value = (value << 6 | static_cast<unsigned>(digit)) & 0xFFFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(static_cast<unsigned char>(value >> bits & 0xFF));
  }
  if (bits >= 6) return std::nullopt;
  return bytes;
}

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
