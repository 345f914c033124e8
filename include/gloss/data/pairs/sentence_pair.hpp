// A sentence and its translation.
#pragma once

#include <string>
#include <vector>

#include <gloss/text/lines.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// A source text and its translation, both UTF-8.
struct SentencePair {
  std::string src;
  std::string tgt;

  friend bool operator==(const SentencePair&, const SentencePair&) = default;
};

/// The texts of all pairs, a source and then its translation: what a vocabulary for both is learnt from.
inline std::vector<std::string> texts_of(const std::vector<SentencePair>& pairs) {
  std::vector<std::string> texts;
  for (const SentencePair& pair : pairs) {
    texts.push_back(pair.src);
    texts.push_back(pair.tgt);
  }
  return texts;
}

namespace detail {
using text::detail::check_utf8_line, text::detail::fail_at_line, text::detail::line_end, text::detail::starts_with_bom,
    text::detail::take_line;
}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::data
