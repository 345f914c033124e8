// What stands between a model's scores and the choice of a token: rules and penalties that every search knows.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// A list of tokens.
using Tokens = std::vector<std::int64_t>;

/// Stands in a prompt before the tokens of a row that is shorter than others: padding, of which CausalStepper and the
/// rules know.
inline constexpr std::int64_t no_token = -1;

/// Prompts of unequal lengths as one, in which the shorter begin with no_token.
/// Shape: [rows, longest]
GLOSS_LAZY Tensor<std::int64_t> padded_prompt(const std::vector<Tokens>& prompts) {
  std::size_t longest = 0;
  for (const Tokens& prompt : prompts) longest = prompt.size() > longest ? prompt.size() : longest;
  Tokens all;
  for (const Tokens& prompt : prompts) {
    all.insert(all.end(), longest - prompt.size(), no_token);
    all.insert(all.end(), prompt.begin(), prompt.end());
  }
  return from_vector(all, {static_cast<Index>(prompts.size()), static_cast<Index>(longest)});
}

/// Rules for what may be said, in the order in which they are applied. Those that look back see the prompt, too, but
/// for frequency_penalty.
/// transformers: the logits processors of generate(), under these names
struct LogitsOptions {
  double repetition_penalty = 1;           // of tokens that are there: divides a positive score, multiplies a negative
  double frequency_penalty = 0;            // taken off a token's score for each time that it was said
  Index no_repeat_ngram_size = 0;          // no so many tokens in a row twice; 0: no rule
  Tokens forbidden = {};                   // never said
  Index min_len = 0;                       // the end is not said before so many tokens
  std::vector<Tokens> forced_prefix = {};  // what a row says first: one for all rows, or one for each
};

/// The likeliest sequence of tokens that a search found for a row: without the prompt and the end.
struct Hypothesis {
  Tokens tokens;
  double score = 0;       // greedy_search and sample: log P; beam_search: log P over the length penalty
  bool finished = false;  // false when max_len cut it
};

namespace detail {

/// The rules of LogitsOptions, applied to one row after the other.
class LogitsRules {
 public:
  LogitsRules(std::string_view search, const LogitsOptions& options, std::int64_t end, Index rows)
      : options_(&options), end_(end) {
    const auto& o = options;
    if (!(o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty)))
      fail(search, ": repetition_penalty ", o.repetition_penalty, " is not positive");
    if (!std::isfinite(o.frequency_penalty))
      fail(search, ": frequency_penalty ", o.frequency_penalty, " is not a number");
    if (o.no_repeat_ngram_size < 0 || o.min_len < 0)
      fail(search, ": no_repeat_ngram_size ", o.no_repeat_ngram_size, " and min_len ", o.min_len,
           " must not be negative");
    if (const auto n = static_cast<Index>(o.forced_prefix.size()); n > 1 && n != rows)
      fail(search, ": ", n, " forced prefixes for ", rows, " rows");
    any_ = o.repetition_penalty != 1 || o.frequency_penalty != 0 || o.no_repeat_ngram_size > 0 ||
           !o.forbidden.empty() || o.min_len > 0 || !o.forced_prefix.empty();
  }

  /// Whether there is any rule at all.
  bool any() const { return any_; }

  /// scores [vocab] of the next token of `row`, which has read `prompt` and said `said`; a forbidden one becomes
  /// -infinity.
  /// Errors: IndexError for a token outside the vocabulary.
  template <class T>
  void apply(T* scores, Index vocab, Index row, const Tokens& prompt, const Tokens& said) const {
    constexpr T never = -std::numeric_limits<T>::infinity();
    const LogitsOptions& o = *options_;
    const auto score_of = [&](std::int64_t token) -> T& {
      if (token < 0 || token >= vocab)
        fail<IndexError>("LogitsOptions: token ", token, " is not in a vocabulary of ", vocab);
      return scores[token];
    };
    if (const Tokens* forced = forced_prefix(row); forced && said.size() < forced->size()) {
      const std::int64_t token = (*forced)[said.size()];
      const T score = score_of(token);
      for (Index i = 0; i < vocab; ++i) scores[i] = never;
      scores[token] = score;
      return;
    }
    if (o.repetition_penalty != 1) {
      std::vector<bool> seen(static_cast<std::size_t>(vocab));
      for (const Tokens* part : {&prompt, &said})
        for (const std::int64_t token : *part) {
          T& score = score_of(token);
          if (seen[static_cast<std::size_t>(token)]) continue;
          seen[static_cast<std::size_t>(token)] = true;
          const T penalty = static_cast<T>(o.repetition_penalty);
          score = score > 0 ? score / penalty : score * penalty;
        }
    }
    if (o.frequency_penalty != 0)
      for (const std::int64_t token : said) score_of(token) -= static_cast<T>(o.frequency_penalty);
    if (o.no_repeat_ngram_size > 0)
      for (const std::int64_t token : ngram_ends(prompt, said, static_cast<std::size_t>(o.no_repeat_ngram_size)))
        score_of(token) = never;
    for (const std::int64_t token : o.forbidden) score_of(token) = never;
    if (static_cast<Index>(said.size()) < o.min_len && end_ >= 0 && end_ < vocab) scores[end_] = never;
  }

 private:
  const Tokens* forced_prefix(Index row) const {
    const auto& all = options_->forced_prefix;
    return all.empty() ? nullptr : &all[all.size() == 1 ? 0 : static_cast<std::size_t>(row)];
  }
  /// The tokens that would complete a run of n tokens which is there already.
  static Tokens ngram_ends(const Tokens& prompt, const Tokens& said, std::size_t n) {
    const std::size_t length = prompt.size() + said.size();
    const auto at = [&](std::size_t i) { return i < prompt.size() ? prompt[i] : said[i - prompt.size()]; };
    Tokens ends;
    for (std::size_t first = 0; first + n <= length; ++first) {
      std::size_t same = 0;
      while (same + 1 < n && at(first + same) == at(length + 1 - n + same)) ++same;
      if (same + 1 == n) ends.push_back(at(first + n - 1));
    }
    return ends;
  }

  const LogitsOptions* options_;
  std::int64_t end_;
  bool any_;
};

/// The tokens of each row, without padding.
inline std::vector<Tokens> rows_of_tokens(const Tensor<std::int64_t>& ids) {
  std::vector<Tokens> rows(static_cast<std::size_t>(ids.size(0)));
  for (Index i = 0; i < ids.size(0); ++i)
    for (Index j = 0; j < ids.size(1); ++j)
      if (const std::int64_t id = ids.at({i, j}); id != no_token) rows[static_cast<std::size_t>(i)].push_back(id);
  return rows;
}
inline void check_prompt(std::string_view search, const Tensor<std::int64_t>& prompt, Index max_len) {
  if (prompt.dim() != 2 || prompt.size(1) == 0)
    fail<ShapeError>(search, ": prompt ", prompt.shape(), " must be [rows, n] with n at least 1");
  for (Index i = 0; i < prompt.size(0); ++i)
    for (Index j = 0; j < prompt.size(1); ++j)
      if (prompt.at({i, j}) == no_token && (j + 1 == prompt.size(1) || (j > 0 && prompt.at({i, j - 1}) != no_token)))
        fail(search, ": row ", i, " of the prompt has no_token where a token is wanted, at ", j);
  if (max_len < 0) fail(search, ": max_len ", max_len, " is negative");
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::decode
