// Sets items aside for evaluation: at random, of each class its share, or whole groups.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gloss/core/context.hpp>
#include <gloss/data/samplers.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Indices of the two parts, each in ascending order; for Subset.
struct HeldOut {
  std::vector<Index> train, held_out;
};

struct HoldOutOptions {
  double fraction = 0.1;  ///< of the items, or groups, that are set aside, rounded
  std::uint64_t seed = 1;
};

namespace detail {
/// Of each list its share, at random; the seed and the lists alone decide which.
GLOSS_COLD inline HeldOut hold_out_of_each(const char* op, const std::vector<std::vector<Index>>& lists,
                                           HoldOutOptions options) {
  if (!(options.fraction >= 0 && options.fraction <= 1)) fail(op, ": fraction ", options.fraction, " is not in [0, 1]");
  Rng rng(options.seed, 0x686F6C64);
  const RngGuard use(rng);
  HeldOut parts;
  for (const std::vector<Index>& list : lists) {
    const auto n = static_cast<Index>(list.size());
    const auto aside = static_cast<Index>(std::llround(options.fraction * static_cast<double>(n)));
    const std::vector<Index> order = to_indices(randperm(n));
    for (Index i = 0; i < n; ++i)
      (i < aside ? parts.held_out : parts.train)
          .push_back(list[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
  }
  std::sort(parts.train.begin(), parts.train.end());
  std::sort(parts.held_out.begin(), parts.held_out.end());
  return parts;
}
/// The items of each number that stands in the list, the numbers in ascending order.
GLOSS_COLD inline std::vector<std::vector<Index>> items_of_each(const std::vector<Index>& numbers) {
  std::vector<Index> order = SequentialSampler(static_cast<Index>(numbers.size())).epoch(0);
  const auto number = [&](Index i) { return numbers[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return number(a) < number(b); });
  std::vector<std::vector<Index>> lists;
  for (const Index i : order) {
    if (lists.empty() || number(lists.back()[0]) != number(i)) lists.emplace_back();
    lists.back().push_back(i);
  }
  return lists;
}
}  // namespace detail

/// Of n items a share at random.
/// Errors: Error when n is negative or the fraction not in [0, 1].
/// PyTorch: torch.utils.data.random_split
inline HeldOut hold_out(Index n, HoldOutOptions options = {}) {
  if (n < 0) fail("hold_out: ", n, " items");
  return detail::hold_out_of_each("hold_out", {SequentialSampler(n).epoch(0)}, options);
}

/// Of the items of each class the same share.
/// Errors: Error when the fraction is not in [0, 1].
/// PyTorch: sklearn.model_selection.train_test_split(stratify=labels)
inline HeldOut hold_out_stratified(const Tensor<std::int64_t>& labels, HoldOutOptions options = {}) {
  return detail::hold_out_of_each("hold_out_stratified", detail::items_of_each(detail::to_indices(labels.contiguous())),
                                  options);
}

/// A share of the groups, with all of their items: pictures of one patient, sentences of one document. `groups` has a
/// number for each item.
/// Errors: Error when the fraction is not in [0, 1].
/// PyTorch: sklearn.model_selection.GroupShuffleSplit
inline HeldOut hold_out_groups(const std::vector<Index>& groups, HoldOutOptions options = {}) {
  const std::vector<std::vector<Index>> items = detail::items_of_each(groups);
  const HeldOut chosen = detail::hold_out_of_each(
      "hold_out_groups", {SequentialSampler(static_cast<Index>(items.size())).epoch(0)}, options);
  HeldOut parts;
  const auto gather = [&](const std::vector<Index>& from, std::vector<Index>& to) {
    for (const Index g : from) {
      const std::vector<Index>& group = items[static_cast<std::size_t>(g)];
      to.insert(to.end(), group.begin(), group.end());
    }
    std::sort(to.begin(), to.end());
  };
  gather(chosen.train, parts.train);
  gather(chosen.held_out, parts.held_out);
  return parts;
}

}  // namespace gloss::inline GLOSS_ABI::data
