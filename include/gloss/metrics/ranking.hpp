// The shared part of the metrics by rank.
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::metrics::detail {

/// Appends the elements of x as double.
/// Errors: Error when one is NaN, which has no rank.
template <class T>
void append_numbers(const char* metric, std::vector<double>& to, const Tensor<T>& x) {
  const Tensor<T> dense = x.detach().contiguous();
  for (Index i = 0; i < dense.numel(); ++i)
    if (dense.data()[i] != dense.data()[i]) fail(metric, ": NaN has no rank");
  to.insert(to.end(), dense.data(), dense.data() + dense.numel());
}

/// Twice the rank of each number, counted from 1; equals share the mean of theirs.
inline std::vector<Index> twice_ranks(const std::vector<double>& x) {
  std::vector<std::size_t> order(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<Index> ranks(x.size());
  for (std::size_t first = 0, last = 0; first < x.size(); first = last) {
    while (last < x.size() && x[order[last]] == x[order[first]]) ++last;
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = static_cast<Index>(first + last + 1);
  }
  return ranks;
}

}  // namespace gloss::inline GLOSS_ABI::metrics::detail
