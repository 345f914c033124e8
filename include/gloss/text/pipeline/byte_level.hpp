// GPT-2's alphabet of bytes: each of the 256 as one printable character, in which its vocabularies are spelled.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// Printable Latin-1 stands for itself, the other bytes are U+0100 and on, in their order: a space is U+0120.
inline const std::array<char32_t, 256>& byte_level_alphabet() {
  static const std::array<char32_t, 256> alphabet = [] {
    std::array<char32_t, 256> letters{};
    char32_t next = 0x100;
    for (char32_t b = 0; b < 256; ++b) {
      const bool printable = (b > ' ' && b < 0x7F) || (b > 0xA0 && b != 0xAD);
      letters[b] = printable ? b : next++;
    }
    return letters;
  }();
  return alphabet;
}

/// The character of a byte.
inline std::string byte_level_character(unsigned char byte) {
  std::string text;
  append_utf8(text, byte_level_alphabet()[byte]);
  return text;
}

/// The bytes that a token spells, or nothing if a character of it is none of the alphabet.
inline std::optional<std::string> byte_level_bytes(std::string_view token) {
  static const std::array<short, 0x144> bytes = [] {
    std::array<short, 0x144> of{};
    of.fill(-1);
    for (std::size_t b = 0; b < 256; ++b) of[byte_level_alphabet()[b]] = static_cast<short>(b);
    return of;
  }();
  std::string spelled;
  for (std::size_t at = 0; at < token.size();) {
    const CodePoint c = decode_utf8(token, at);
    if (c.value >= bytes.size() || bytes[c.value] < 0) return std::nullopt;
    spelled += static_cast<char>(static_cast<unsigned char>(bytes[c.value]));
    at += c.bytes;
  }
  return spelled;
}

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
