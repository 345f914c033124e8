// In which order a Loader takes items: each sampler gives the order of an epoch, which depends on (seed, epoch) alone.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

#include <gloss/core/context.hpp>
#include <gloss/data/batch_sampler.hpp>
#include <gloss/ops/multinomial.hpp>
#include <gloss/tensor/random.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// What makes the batches itself: epoch(number) gives their lists of indices, as BatchSampler does.
template <class S>
concept SamplesBatches = requires(const S& sampler, Index number) {
  { sampler.epoch(number) } -> std::convertible_to<std::vector<std::vector<Index>>>;
};
/// epoch(number) gives the indices of the items in the order of that epoch, or lists of them that are the batches.
/// PyTorch: torch.utils.data.Sampler
template <class S>
concept Sampler = SamplesBatches<S> || requires(const S& sampler, Index number) {
  { sampler.epoch(number) } -> std::convertible_to<std::vector<Index>>;
};

namespace detail {
/// A stream of its own for what a sampler draws in one epoch.
inline Rng sampler_rng(std::uint64_t seed, Index epoch) {
  return Rng(seed, 0x73616D7000000000 + static_cast<std::uint64_t>(epoch));
}
inline std::vector<Index> to_indices(const Tensor<std::int64_t>& x) { return {x.data(), x.data() + x.numel()}; }
}  // namespace detail

/// 0 to n - 1, in every epoch.
/// PyTorch: torch.utils.data.SequentialSampler
class SequentialSampler {
 public:
  explicit SequentialSampler(Index n) : n_(n) {}
  std::vector<Index> epoch(Index) const {
    std::vector<Index> order;
    for (Index i = 0; i < n_; ++i) order.push_back(i);
    return order;
  }

 private:
  Index n_;
};

struct RandomSamplerOptions {
  std::uint64_t seed = 1;
  bool replacement = false;  ///< each drawn from all n, so that some come twice and others not at all
  Index count = 0;           ///< items of an epoch; 0: n. Without replacement at most n
};

/// 0 to n - 1 shuffled, or drawn with replacement; anew in each epoch.
/// Errors: Error when an epoch would have more items than there are, or items are to be drawn from none.
/// PyTorch: torch.utils.data.RandomSampler
class RandomSampler {
 public:
  explicit RandomSampler(Index n, RandomSamplerOptions options = {}) : n_(n), options_(options) {
    if (options_.count == 0) options_.count = n;
    if (options_.count < 0 || (options_.replacement ? n == 0 && options_.count > 0 : options_.count > n))
      fail("RandomSampler: ", options_.count, " items cannot be drawn from ", n);
  }
  std::vector<Index> epoch(Index number) const {
    Rng rng = detail::sampler_rng(options_.seed, number);
    const RngGuard use(rng);
    if (options_.replacement && options_.count > 0) return detail::to_indices(randint(0, n_, {options_.count}));
    std::vector<Index> order = detail::to_indices(randperm(n_));
    order.resize(static_cast<std::size_t>(options_.count));
    return order;
  }

 private:
  Index n_;
  RandomSamplerOptions options_;
};

/// Draws `count` items with replacement, each with a probability proportional to its weight.
/// Errors: Error when a weight is negative or not finite, or none is above 0.
/// PyTorch: torch.utils.data.WeightedRandomSampler(weights, count)
class WeightedSampler {
 public:
  GLOSS_COLD WeightedSampler(const std::vector<double>& weights, Index count, std::uint64_t seed = 1)
      : weights_(from_vector(weights)), count_(count), seed_(seed) {
    static_cast<void>(epoch(0));  // what is wrong with the weights is found now
  }
  std::vector<Index> epoch(Index number) const {
    Rng rng = detail::sampler_rng(seed_, number);
    const RngGuard use(rng);
    return detail::to_indices(multinomial(weights_, count_, true));
  }

 private:
  Tensor<double> weights_;
  Index count_;
  std::uint64_t seed_;
};

/// A weight for each item that makes all classes equally likely: 1 over the number of items of its class.
GLOSS_LAZY std::vector<double> balanced_weights(const Tensor<std::int64_t>& labels) {
  const std::vector<Index> order = detail::to_indices(labels.contiguous());
  std::vector<Index> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> weights;
  for (const Index label : order) {
    const auto [from, to] = std::equal_range(sorted.begin(), sorted.end(), label);
    weights.push_back(1.0 / static_cast<double>(to - from));
  }
  return weights;
}

/// Batches of items of like length, sized by tokens: BatchSampler for items of one length each.
/// Errors: as BatchSampler.
class LengthSampler {
 public:
  explicit LengthSampler(const std::vector<Index>& lengths, BatchSamplerOptions options = {})
      : batches_(as_pairs(lengths), options) {}
  std::vector<std::vector<Index>> epoch(Index number) const { return batches_.epoch(number); }

 private:
  static std::vector<PairLength> as_pairs(const std::vector<Index>& lengths) {
    std::vector<PairLength> pairs;
    for (const Index length : lengths) pairs.push_back({length, 0});
    return pairs;
  }
  BatchSampler batches_;
};

struct GroupSamplerOptions {
  Index batch_size = 1;
  std::uint64_t seed = 1;
  bool shuffle = true;     ///< items within their groups, and the batches
  bool drop_last = false;  ///< leaves out what does not fill a batch at the end of a group
};

/// Batches whose items are of one group each: images of one format, sentences of one language.
/// Errors: Error when batch_size is below 1.
class GroupSampler {
 public:
  /// `groups` has a number for each item.
  explicit GroupSampler(std::vector<Index> groups, GroupSamplerOptions options = {})
      : groups_(std::move(groups)), options_(options) {
    if (options_.batch_size < 1) fail("GroupSampler: batch_size ", options_.batch_size, " is below 1");
  }
  GLOSS_COLD std::vector<std::vector<Index>> epoch(Index number) const {
    Rng rng = detail::sampler_rng(options_.seed, number);
    const RngGuard use(rng);
    const auto n = static_cast<Index>(groups_.size());
    std::vector<Index> order = options_.shuffle ? detail::to_indices(randperm(n)) : SequentialSampler(n).epoch(0);
    const auto group = [this](Index i) { return groups_[static_cast<std::size_t>(i)]; };
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return group(a) < group(b); });
    const auto batch_size = static_cast<std::size_t>(options_.batch_size);
    std::vector<std::vector<Index>> batches;
    for (const Index i : order) {
      if (batches.empty() || batches.back().size() == batch_size || group(batches.back()[0]) != group(i))
        batches.emplace_back();
      batches.back().push_back(i);
    }
    if (options_.drop_last) std::erase_if(batches, [&](const auto& batch) { return batch.size() < batch_size; });
    if (!options_.shuffle) return batches;
    std::vector<std::vector<Index>> shuffled;
    for (const Index b : detail::to_indices(randperm(static_cast<Index>(batches.size()))))
      shuffled.push_back(std::move(batches[static_cast<std::size_t>(b)]));
    return shuffled;
  }

 private:
  std::vector<Index> groups_;
  GroupSamplerOptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::data
