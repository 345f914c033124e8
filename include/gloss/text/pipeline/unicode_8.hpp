// BERT's reference tokenizer knows Unicode 8.0: what came later is neither punctuation nor a mark to it.
#pragma once

#include <algorithm>
#include <iterator>

#include <gloss/text/pipeline/unicode.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// Is a character among the punctuation, nonspacing marks and format characters of Unicode 15.0 that Unicode 8.0 did not
/// have as such?
inline bool is_after_unicode_8(char32_t c) {
  struct Range {
    char32_t first, last;  // with characters of other kinds between
  };
  static constexpr Range ranges[] = {
      {0x61D, 0x61D},     {0x7FD, 0x7FD},     {0x890, 0x8E2},     {0x9FD, 0x9FE},     {0xA76, 0xA76},
      {0xAFA, 0xAFF},     {0xB55, 0xB55},     {0xC04, 0xC3C},     {0xC77, 0xC77},     {0xC84, 0xC84},
      {0xD00, 0xD00},     {0xD3B, 0xD3C},     {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0xECE, 0xECE},
      {0x180F, 0x180F},   {0x1885, 0x1886},   {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},   {0x1DF6, 0x1DFB},
      {0x2E43, 0x2E5D},   {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},
      {0x10D24, 0x10D27}, {0x10EAB, 0x10EAD}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F89}, {0x11070, 0x11074},
      {0x110C2, 0x110CD}, {0x111C9, 0x111C9}, {0x111CF, 0x111CF}, {0x1123E, 0x11241}, {0x1133B, 0x1133B},
      {0x11438, 0x1145E}, {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1182F, 0x1183B}, {0x1193B, 0x11946},
      {0x119D4, 0x11AA2}, {0x11B00, 0x11B09}, {0x11C30, 0x11CB6}, {0x11D31, 0x11D47}, {0x11D90, 0x11D97},
      {0x11EF3, 0x11F4F}, {0x11FFF, 0x11FFF}, {0x12FF1, 0x12FF2}, {0x13430, 0x13455}, {0x16E97, 0x16E9A},
      {0x16F4F, 0x16F4F}, {0x16FE2, 0x16FE4}, {0x1CF00, 0x1CF46}, {0x1E000, 0x1E02A}, {0x1E08F, 0x1E08F},
      {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2EF}, {0x1E4EC, 0x1E4EF}, {0x1E944, 0x1E95F}};
  const Range* const found =
      std::upper_bound(std::begin(ranges), std::end(ranges), c, [](char32_t a, const Range& r) { return a < r.first; });
  return found != std::begin(ranges) && c <= (found - 1)->last;
}

}  // namespace detail

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

}  // namespace gloss::inline GLOSS_ABI::text
