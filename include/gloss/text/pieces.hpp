// Cuts text into pieces that subwords never cross: words with the space before them, numbers, punctuation.
#pragma once

#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

enum class CharKind { space, letter, digit, other };

/// Coarse, but good enough to part words from punctuation in any script: what is no known symbol is a letter.
inline CharKind char_kind(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (is_space(c)) return CharKind::space;
  if (c < 0x80) {
    if (in('0', '9')) return CharKind::digit;
    return in('a', 'z') || in('A', 'Z') ? CharKind::letter : CharKind::other;
  }
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA ? CharKind::letter : CharKind::other;
  const bool symbol = c == 0xD7 || c == 0xF7 || in(0x2000, 0x2BFF) || in(0x2E00, 0x2E7F) || in(0x3000, 0x303F) ||
                      in(0xE000, 0xF8FF) || in(0xFE10, 0xFE1F) || in(0xFE30, 0xFE6F) || in(0xFF00, 0xFF0F) ||
                      in(0xFF1A, 0xFF20) || in(0xFF3B, 0xFF40) || in(0xFF5B, 0xFF65) || in(0x1F000, 0x1FAFF) ||
                      c >= invalid_byte;
  return symbol ? CharKind::other : CharKind::letter;
}

}  // namespace detail

/// Calls f(piece) for consecutive pieces that joined give text again, whatever bytes it holds. A piece is a run of
/// letters, of digits, of other signs, each with one space before it if there is one; or a run of white space. An
/// apostrophe between letters begins a piece with the letters after it: "don't go" is "don", "'t", " go".
template <class F>
void for_each_piece(std::string_view text, F&& f) {
  using detail::CharKind;
  const auto kind_at = [&](std::size_t at, std::size_t& length) {
    const CodePoint c = decode_utf8(text, at);
    length = c.bytes;
    return detail::char_kind(c.value);
  };
  const auto run_end = [&](std::size_t at, CharKind kind) {
    std::size_t length = 0;
    while (at < text.size() && kind_at(at, length) == kind) at += length;
    return at;
  };

  bool after_letter = false;
  for (std::size_t start = 0; start < text.size();) {
    std::size_t length = 0, end = 0;
    CharKind kind = kind_at(start, length);
    if (kind == CharKind::space) {
      end = run_end(start, kind);
      if (end < text.size() && text[end - 1] == ' ') --end;  // that space goes with what follows
      if (end == start) {
        kind = kind_at(start + 1, length);
        end = run_end(start + 1, kind);
      }
    } else {
      const char32_t first = decode_utf8(text, start).value;
      std::size_t next_length = 0;
      const bool contraction = after_letter && (first == '\'' || first == 0x2019) && start + length < text.size() &&
                               kind_at(start + length, next_length) == CharKind::letter;
      if (contraction) kind = CharKind::letter;
      end = run_end(contraction ? start + length : start, kind);
    }
    f(text.substr(start, end - start));
    after_letter = kind == CharKind::letter;
    start = end;
  }
}

}  // namespace gloss::inline GLOSS_ABI::text
