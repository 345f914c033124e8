// Sets sentence pairs aside for evaluation so that nothing evaluated was seen in training.
#pragma once

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <gloss/core/rng.hpp>
#include <gloss/data/pairs/sentence_pair.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Number of stretches between white space. Python: len(text.split())
inline Index count_words(std::string_view text) {
  Index words = 0;
  text::for_each_word(text, [&](std::string_view) { ++words; });
  return words;
}

struct SplitOptions {
  Index held_out = 500;       ///< pairs to set aside, at most
  double max_fraction = 0.1;  ///< and at most this share of all pairs, so that a small set keeps its training part
  Index max_src_words = 8;    ///< only pairs with a source of so many words are set aside; 0: any
  std::uint64_t seed = 1;
};

struct Split {
  std::vector<SentencePair> train;     ///< in the order of the input
  std::vector<SentencePair> held_out;  ///< in the order drawn, which is random: a prefix of it is a fair sample too
  Index dropped = 0;                   ///< pairs in neither part: one of their texts is in the held-out part
};

/// Draws the held-out part at random among the pairs that are short enough, never two with the same source or the same
/// target. What is left and shares neither a source text nor a target text with it is the training part; the rest is
/// dropped, because it would leak an answer. Texts are compared byte by byte. The same pairs, in the same order, and
/// the same options give the same split on every machine.
/// Errors: Error when one of the two parts would be empty.
GLOSS_LAZY GLOSS_COLD Split split_held_out(const std::vector<SentencePair>& pairs, SplitOptions options = {}) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (options.max_src_words == 0 || count_words(pairs[i].src) <= options.max_src_words) order.push_back(i);
  Rng rng(options.seed, 0x73706C6974);  // a stream of its own
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[rng.below(static_cast<std::uint32_t>(i))]);

  const auto share = static_cast<Index>(options.max_fraction * static_cast<double>(pairs.size()));
  const Index wanted = (std::min)(options.held_out, share);
  Split split;
  std::unordered_set<std::string_view> sources, targets;
  std::vector<bool> taken(pairs.size(), false);
  for (const std::size_t i : order) {
    if (static_cast<Index>(split.held_out.size()) >= wanted) break;
    if (sources.count(pairs[i].src) || targets.count(pairs[i].tgt)) continue;
    sources.insert(pairs[i].src);
    targets.insert(pairs[i].tgt);
    taken[i] = true;
    split.held_out.push_back(pairs[i]);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (taken[i]) continue;
    if (sources.count(pairs[i].src) || targets.count(pairs[i].tgt))
      ++split.dropped;
    else
      split.train.push_back(pairs[i]);
  }
  if (split.held_out.empty() || split.train.empty())
    fail<Error>("split_held_out: ", pairs.size(), " pairs, ", order.size(), " of them with a source of at most ",
                options.max_src_words, " words, leave the ", split.held_out.empty() ? "held-out" : "training",
                " part empty");
  return split;
}
GLOSS_INSTANTIATE(Split split_held_out(const std::vector<SentencePair>&, SplitOptions))

}  // namespace gloss::inline GLOSS_ABI::data
