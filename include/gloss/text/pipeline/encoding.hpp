// What a text is encoded to, and how it is cut to a length or filled up to one.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// The tokens of a text or a pair of texts, and what models want to know of each. All of these are of one length.
/// Python: tokenizers.Encoding, whose offsets count characters; ours count bytes.
struct Encoding {
  std::vector<Index> ids;
  std::vector<std::string> tokens;
  std::vector<std::pair<Index, Index>> offsets;  ///< the bytes [begin, end) of its text; {0, 0} for what is added
  std::vector<Index> type_ids;                   ///< 0, in a pair 1 for the second text
  std::vector<Index> attention_mask;             ///< 1, and 0 for padding
  std::vector<Index> special_tokens_mask;        ///< 1 for what is added
  std::vector<Index> word_ids;                   ///< which piece of its text, from 0; -1 for what is added
  std::vector<Index> sequence_ids;               ///< 0 or 1, which of the texts; -1 for what is added

  Index size() const { return static_cast<Index>(ids.size()); }

  /// Calls f(member) for each of the vectors.
  template <class F>
  void for_each_member(F&& f) {
    f(ids), f(tokens), f(offsets), f(type_ids), f(attention_mask), f(special_tokens_mask), f(word_ids), f(sequence_ids);
  }
  /// Puts another behind this one.
  void append(Encoding other) {
    const auto join = [](auto& to, auto& from) {
      to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    join(ids, other.ids), join(tokens, other.tokens), join(offsets, other.offsets), join(type_ids, other.type_ids);
    join(attention_mask, other.attention_mask), join(special_tokens_mask, other.special_tokens_mask);
    join(word_ids, other.word_ids), join(sequence_ids, other.sequence_ids);
  }
  /// Adds a token that stands for no text.
  void append_special(Index id, const std::string& token, Index type_id) {
    ids.push_back(id), tokens.push_back(token), offsets.emplace_back(0, 0), type_ids.push_back(type_id);
    attention_mask.push_back(1), special_tokens_mask.push_back(1), word_ids.push_back(-1), sequence_ids.push_back(-1);
  }
};

enum class Side { left, right };

/// How an encoding is cut to a length, the tokens that are added included.
/// Python: Tokenizer.enable_truncation
struct Truncation {
  enum class Strategy { longest_first, only_first, only_second };

  Index max_length = 512;
  Strategy strategy = Strategy::longest_first;  ///< which text of a pair is cut
  Side direction = Side::right;                 ///< where

  /// Leaves `added` fewer tokens than max_length.
  /// Errors: Error when max_length is less than `added`, or the text that is to be cut is too short.
  void operator()(Encoding& first, Encoding* second, Index added) const;
};

/// How encodings are filled up to a length.
/// Python: Tokenizer.enable_padding
struct Padding {
  Index length = -1;             ///< -1: that of the longest in the batch
  Index pad_to_multiple_of = 0;  ///< 0: any
  Side direction = Side::right;
  Index pad_id = 0, pad_type_id = 0;
  std::string pad_token = "[PAD]";

  /// Fills up to `longest`, or to the length that is set, and on to the next multiple. What is longer stays.
  void operator()(Encoding& encoding, Index longest) const;
};

namespace detail {

GLOSS_LAZY void truncate(Encoding& encoding, Index length, Side side) {
  if (encoding.size() <= length) return;
  const auto excess = static_cast<std::ptrdiff_t>(encoding.size() - length);
  encoding.for_each_member([&](auto& member) {
    if (side == Side::left)
      member.erase(member.begin(), member.begin() + excess);
    else
      member.erase(member.end() - excess, member.end());
  });
}

}  // namespace detail

inline void Truncation::operator()(Encoding& first, Encoding* second, Index added) const {
  const Index length = max_length - added;
  if (length < 0)
    fail<Error>("Truncation: max_length is ", max_length, ", less than the ", added, " tokens that are added");
  const Index n = first.size(), m = second ? second->size() : 0, excess = n + m - length;
  if (excess <= 0) return;
  if (strategy == Strategy::longest_first) {
    // The longer one is cut to what the shorter leaves, but not below it; then both to halves.
    Index shorter = (std::min)(n, m), longer = (std::max)(shorter, length - shorter);
    if (shorter + longer > length) {
      shorter = length / 2;
      longer = length - shorter;
    }
    if (!second) longer = length;
    detail::truncate(first, n > m || !second ? longer : shorter, direction);
    if (second) detail::truncate(*second, n > m ? shorter : longer, direction);
    return;
  }
  const bool is_second = strategy == Strategy::only_second;
  if (is_second && !second) fail<Error>("Truncation: only_second, but there is no second text");
  Encoding& cut = is_second ? *second : first;
  if (cut.size() <= excess)
    fail<Error>("Truncation: the ", is_second ? "second" : "first", " text has ", cut.size(), " tokens, ", excess,
                " would have to go");
  detail::truncate(cut, cut.size() - excess, direction);
}

inline void Padding::operator()(Encoding& encoding, Index longest) const {
  Index target = length >= 0 ? length : longest;
  if (pad_to_multiple_of > 0) target = (target + pad_to_multiple_of - 1) / pad_to_multiple_of * pad_to_multiple_of;
  if (encoding.size() >= target) return;
  Encoding padding;
  for (Index i = encoding.size(); i < target; ++i) padding.append_special(pad_id, pad_token, pad_type_id);
  std::fill(padding.attention_mask.begin(), padding.attention_mask.end(), 0);
  if (direction == Side::left) std::swap(encoding, padding);
  encoding.append(std::move(padding));
}

}  // namespace gloss::inline GLOSS_ABI::text
