// Post-processors: what is put around the tokens of a text or a pair of texts.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gloss/text/pipeline/aligned_text.hpp>
#include <gloss/text/pipeline/byte_level.hpp>
#include <gloss/text/pipeline/encoding.hpp>
#include <gloss/text/pipeline/unicode.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// A tokenizer's last stage: templates of the texts and of tokens around them, and whether offsets leave out the spaces
/// that tokens begin or end with.
struct PostProcessor {
  /// A text, or a token that is added.
  struct Part {
    Index sequence = -1;  ///< 0 or 1: the first or second text; -1: the token
    Index type_id = 0;
    Index id = 0;
    std::string token = {};
  };

  std::vector<Part> single = {{.sequence = 0}};
  std::vector<Part> pair = {{.sequence = 0}, {.sequence = 1, .type_id = 1}};
  bool trim_offsets = false;
  bool add_prefix_space = true;  ///< the first token's space was put there, and its offsets do not have it

  /// How many tokens are added to one text, or to a pair.
  Index added(bool to_pair) const {
    const auto& parts = to_pair ? pair : single;
    return std::count_if(parts.begin(), parts.end(), [](const Part& part) { return part.sequence < 0; });
  }

  /// The texts and what belongs around them.
  Encoding operator()(Encoding first, Encoding* second, bool add_special_tokens) const {
    if (trim_offsets) {
      trim(first);
      if (second) trim(*second);
    }
    Encoding result;
    for (const Part& part : second ? pair : single) {
      if (part.sequence < 0) {
        if (add_special_tokens) result.append_special(part.id, part.token, part.type_id);
        continue;
      }
      Encoding text = part.sequence == 0 ? first : *second;
      std::fill(text.type_ids.begin(), text.type_ids.end(), part.type_id);
      std::fill(text.sequence_ids.begin(), text.sequence_ids.end(), part.sequence);
      result.append(std::move(text));
    }
    return result;
  }

 private:
  void trim(Encoding& encoding) const {
    const char32_t space = detail::byte_level_alphabet()[' '];
    for (std::size_t i = 0; i < encoding.tokens.size(); ++i) {
      Index leading = 0, trailing = 0;  // spaces
      bool only = true;
      for_each_character(encoding.tokens[i], [&](char32_t c) {
        const bool is_space = c == space || is_white_space(c);
        trailing = is_space ? trailing + 1 : 0;
        only = only && is_space;
        if (only) ++leading;
      });
      auto& [begin, end] = encoding.offsets[i];
      if (leading > 0 && add_prefix_space && (i == 0 || begin == 0)) --leading;
      if (leading > 0) begin = (std::min)(begin + leading, end);
      if (trailing > 0) end = only ? begin : (std::max)(end - trailing, begin);
    }
  }
};

}  // namespace gloss::inline GLOSS_ABI::text
