// What Unicode says of a character: its category, its lower case, its parts. The tables are utf8proc's.
#pragma once

#include <utf8proc.h>

#include <gloss/text/pipeline/unicode_ages.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

template <int first, int last>
bool category_in(char32_t c) {
  if (c >= invalid_byte) return false;
  const int category = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->category;
  return first <= category && category <= last;
}

}  // namespace detail

/// \p{L}, \p{N}, \p{M}, \p{Mn} and \p{P} of regular expressions. An ill-formed byte is none of them.
inline bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  return detail::category_in<UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO>(c);
}
inline bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return detail::category_in<UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO>(c);
}
inline bool is_mark(char32_t c) {
  return c >= 0x300 && detail::category_in<UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME>(c);
}
inline bool is_nonspacing_mark(char32_t c) {
  return c >= 0x300 && detail::category_in<UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MN>(c);
}
inline bool is_punctuation(char32_t c) { return detail::category_in<UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO>(c); }

/// Unicode's White_Space, which \s is: what is_space() takes, without Python's four separators U+001C to U+001F.
inline bool is_white_space(char32_t c) { return is_space(c) && !(c >= 0x1C && c <= 0x1F); }

/// \w: letters, marks, digits, letter-like numbers, underscores.
inline bool is_word(char32_t c) {
  if (c < 0x80) return is_letter(c) || is_number(c) || c == '_';
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return detail::category_in<UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL>(c) ||
         detail::category_in<UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PC>(c) || in(0x200C, 0x200D) ||
         in(0x24B6, 0x24E9) || in(0x1F130, 0x1F149) || in(0x1F150, 0x1F169) || in(0x1F170, 0x1F189);
}

/// !"#$%&'()*+,-./:;<=>?@[\]^_`{|}~ and \p{P}: what BERT takes for punctuation.
inline bool is_bert_punctuation(char32_t c) {
  if (c < 0x80) return c > ' ' && c < 0x7F && !is_letter(c) && !is_number(c);
  if (c == 0x166D || c == 0x111C9) return true;  // which have become other kinds since
  return is_punctuation(c) && !detail::is_after_unicode_8(c);
}
/// \p{Mn}, the accents that BERT strips.
inline bool is_bert_accent(char32_t c) {
  return (is_nonspacing_mark(c) && !detail::is_after_unicode_8(c)) || c == 0x1734;
}
/// \p{Cc}, \p{Cf} and \p{Co}: controls, format characters and private ones, which BERT drops.
inline bool is_bert_control(char32_t c) {
  if (c < 0x80) return c < 0x20 || c == 0x7F;
  return detail::category_in<UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO>(c) && !detail::is_after_unicode_8(c);
}

/// Calls put(d) for each character of c's lower case.
template <class Put>
void lower_case(char32_t c, Put&& put) {
  if (c < 0x80) return put(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
  if (c >= invalid_byte) return put(c);
  put(c == 0x130 ? U'i' : static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  if (c == 0x130) put(0x307);
}

namespace detail {

/// Unicode's canonical combining class: 0 for what begins a character.
inline int combining_class(char32_t c) {
  if (c < 0x300 || c >= invalid_byte) return 0;
  const int order = utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
  return order > 0 && is_mark_after_unicode_9(c) ? 0 : order;
}

/// May a character be changed by a normal form, or change with one before it?
inline bool is_normal_inert(char32_t c) {
  if (c < 0xA0 || c >= invalid_byte) return true;
  const utf8proc_property_t* p = utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  const bool hangul = (c >= 0x1100 && c <= 0x11FF) || (c >= 0xAC00 && c <= 0xD7A3);
  return p->decomp_seqindex == 0xFFFF && p->combining_class == 0 && !hangul && !is_mark(c);
}

/// Calls put(d) for each character of c's canonical or, with `compatible`, compatibility decomposition.
template <class Put>
void decompose(char32_t c, bool compatible, Put&& put) {
  if (c < 0xA0 || c >= invalid_byte || is_whole_in_unicode_9(c)) return put(c);
  utf8proc_int32_t parts[32];
  int unused = 0;
  const int options = UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 32,
                                         static_cast<utf8proc_option_t>(options), &unused);
  if (n < 1 || n > 32) return put(c);
  for (utf8proc_ssize_t i = 0; i < n; ++i) put(static_cast<char32_t>(parts[i]));
}

/// What two characters make together, or 0.
inline char32_t composed(char32_t a, char32_t b) {
  // vowels and last consonants; U+11A7 between them is neither, which utf8proc 2.8 would drop behind a syllable
  const bool jamo = (b >= 0x1161 && b <= 0x1175) || (b >= 0x11A8 && b <= 0x11C2);
  if (b < 0x300 || a >= invalid_byte || b >= invalid_byte || !(jamo || is_mark(b))) return 0;
  utf8proc_int32_t pair[3] = {static_cast<utf8proc_int32_t>(a), static_cast<utf8proc_int32_t>(b), 0};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  return utf8proc_normalize_utf32(pair, 2, options) == 1 ? static_cast<char32_t>(pair[0]) : 0;
}

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
