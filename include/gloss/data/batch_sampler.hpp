// Batches of sentence pairs of like length, sized by tokens.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <gloss/core/rng.hpp>
#include <gloss/core/sort.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Tokens of one pair, with <s> and </s> if they count.
struct PairLength {
  Index src = 0;
  Index tgt = 0;
};

struct BatchSamplerOptions {
  Index max_tokens = 4096;  ///< pairs times their longest side, padding counted
  Index max_pairs = 0;      ///< 0: no limit
  std::uint64_t seed = 1;
  bool shuffle = true;  ///< false: the same batches every epoch, the shortest first
  Index pool = 0;       ///< of so many random pairs those of like length are put together; 0: of all, which pads least
};

/// Groups pairs of like length into batches. Each epoch draws a new grouping and a new order that depend on (seed,
/// epoch) alone, so a run can go on from a saved Position. Every pair is in exactly one batch of an epoch. With all in
/// one pool a batch has pairs of hardly more than one length; smaller pools mix lengths and pad more.
/// AT: batch_size_fn
class BatchSampler {
 public:
  /// Where a run stands: the next batch to give out.
  struct Position {
    Index epoch = 0;
    Index batch = 0;
    friend bool operator==(const Position&, const Position&) = default;
  };

  /// Errors: Error when there are no pairs, or one alone is longer than max_tokens, or for a negative pool.
  GLOSS_COLD explicit BatchSampler(std::vector<PairLength> lengths, BatchSamplerOptions options = {})
      : lengths_(std::move(lengths)), options_(options) {
    if (lengths_.empty()) fail<Error>("BatchSampler: no sentence pairs");
    if (options_.pool < 0) fail<Error>("BatchSampler: pool ", options_.pool, " is negative");
    for (std::size_t i = 0; i < lengths_.size(); ++i)
      if (longest(lengths_[i]) > options_.max_tokens)
        fail<Error>("BatchSampler: pair ", i, " has ", longest(lengths_[i]), " tokens, max_tokens is ",
                    options_.max_tokens);
    seek({});
  }

  /// All batches of one epoch, as positions in the list of lengths.
  GLOSS_LAZY GLOSS_COLD std::vector<std::vector<Index>> epoch(Index number) const {
    Rng rng(options_.seed, 0x6261746368000000 + static_cast<std::uint64_t>(number));
    struct Item {
      Index tgt, src;
      std::uint32_t tie;  // pairs of one shape meet others in every epoch
      Index pool = 0;
    };
    std::vector<Item> items;
    items.reserve(lengths_.size());
    for (std::size_t i = 0; i < lengths_.size(); ++i)
      items.push_back({lengths_[i].tgt, lengths_[i].src, options_.shuffle ? rng() : 0});
    if (options_.pool > 0) {
      const auto by_tie =
          sorted_order(items.size(), [&items](std::size_t i, std::size_t j) { return items[i].tie < items[j].tie; });
      for (std::size_t k = 0; k < by_tie.size(); ++k) items[by_tie[k]].pool = static_cast<Index>(k) / options_.pool;
    }
    const auto by_length = sorted_order(items.size(), [&items](std::size_t i, std::size_t j) {
      const Item &a = items[i], &b = items[j];
      if (a.pool != b.pool) return a.pool < b.pool;
      const Index long_a = (std::max)(a.tgt, a.src), long_b = (std::max)(b.tgt, b.src);
      if (long_a != long_b) return long_a < long_b;
      if (a.tgt != b.tgt) return a.tgt < b.tgt;
      return a.tie < b.tie;
    });

    std::vector<std::vector<Index>> batches(1);
    Index longest_so_far = 0;
    for (const std::size_t index : by_length) {
      const Item& item = items[index];
      const auto count = static_cast<Index>(batches.back().size());
      longest_so_far = (std::max)({longest_so_far, item.tgt, item.src});
      const bool full = (count + 1) * longest_so_far > options_.max_tokens || count == options_.max_pairs;
      if (count > 0 && full) {
        batches.emplace_back();
        longest_so_far = (std::max)(item.tgt, item.src);
      }
      batches.back().push_back(static_cast<Index>(index));
    }
    if (options_.shuffle)
      for (std::size_t i = batches.size(); i > 1; --i)
        std::swap(batches[i - 1], batches[rng.below(static_cast<std::uint32_t>(i))]);
    return batches;
  }

  /// The next batch, going on into the next epoch after the last one; position() tells where that is.
  const std::vector<Index>& next() {
    if (position_.batch == batches_in_epoch()) seek({position_.epoch + 1, 0});
    return batches_[static_cast<std::size_t>(position_.batch++)];
  }

  /// Of the epoch that position() is in; it may differ by a few from epoch to epoch.
  Index batches_in_epoch() const { return static_cast<Index>(batches_.size()); }
  Position position() const { return position_; }

  /// Goes on from a saved position; a batch number equal to the number of batches means the end of that epoch.
  /// Errors: IndexError when there is no such batch.
  GLOSS_COLD void seek(Position position) {
    if (position.epoch < 0) fail<IndexError>("BatchSampler::seek: epoch ", position.epoch, " is negative");
    std::vector<std::vector<Index>> batches = epoch(position.epoch);
    if (position.batch < 0 || position.batch > static_cast<Index>(batches.size()))
      fail<IndexError>("BatchSampler::seek: batch ", position.batch, " is out of range, epoch ", position.epoch,
                       " has ", batches.size());
    batches_ = std::move(batches);
    position_ = position;
  }

 private:
  static Index longest(const PairLength& length) { return (std::max)(length.src, length.tgt); }

  std::vector<PairLength> lengths_;
  BatchSamplerOptions options_;
  std::vector<std::vector<Index>> batches_;
  Position position_;
};
GLOSS_INSTANTIATE(std::vector<std::vector<Index>> BatchSampler::epoch(Index) const)

}  // namespace gloss::inline GLOSS_ABI::data
