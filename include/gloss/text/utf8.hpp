// UTF-8: decoding, checking, and Python's idea of white space.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// One decoded character. An ill-formed byte decodes alone, as `value` = invalid_byte + its value.
struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
};

/// First of 256 values past Unicode that stand for single ill-formed bytes.
inline constexpr char32_t invalid_byte = 0x110000;

/// The character that starts at text[at]; at must be below text.size(). Overlong forms, surrogates and values past
/// U+10FFFF are ill-formed.
inline CodePoint decode_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const CodePoint ill_formed{invalid_byte + lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) return ill_formed;
  char32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return ill_formed;
    value = value << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) return ill_formed;
  return {value, length};
}

/// Appends a character below U+110000 as UTF-8.
inline void append_utf8(std::string& text, char32_t value) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (value < 0x80) return put(value);
  const int tail = value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;  // bytes after the first, six bits each
  put((tail == 1 ? 0xC0u : tail == 2 ? 0xE0u : 0xF0u) | value >> 6 * tail);
  for (int i = tail - 1; i >= 0; --i) put(0x80u | (value >> 6 * i & 0x3Fu));
}

/// Position of the first ill-formed byte, or npos when the text is UTF-8.
inline std::size_t find_ill_formed_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.value >= invalid_byte) return at;
    at += c.bytes;
  }
  return std::string_view::npos;
}

/// The text with U+FFFD in place of each ill-formed byte, for formats that must be UTF-8.
GLOSS_COLD inline std::string well_formed_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    append_utf8(out, c.value >= invalid_byte ? U'\uFFFD' : c.value);
    at += c.bytes;
  }
  return out;
}

/// White space as Python's str.split() sees it.
inline bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

/// The text without white space at its ends. Python: text.strip()
GLOSS_COLD inline std::string trimmed(std::string_view text) {
  std::size_t begin = text.size(), end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (!is_space(c.value)) begin = begin < at ? begin : at, end = at + c.bytes;
    at += c.bytes;
  }
  return begin < end ? std::string(text.substr(begin, end - begin)) : std::string();
}

/// Calls f(word) for each stretch of text between white space. Python: text.split()
template <class F>
void for_each_word(std::string_view text, F&& f) {
  std::size_t start = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const CodePoint c = at < text.size() ? decode_utf8(text, at) : CodePoint{' ', 1};
    if (is_space(c.value)) {
      if (at > start) f(text.substr(start, at - start));
      start = at + c.bytes;
    }
    at += c.bytes;
  }
}

}  // namespace gloss::inline GLOSS_ABI::text
