// The k largest elements of each row
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include <gloss/ops/max.hpp>

namespace gloss::inline GLOSS_ABI {

/// The k largest elements along the last axis, largest first, equal ones in order of position; NaN counts as largest.
/// Shape: [..., n] -> values and indices [..., k]
/// Errors: IndexError when k is negative or more than n.
/// Backward: dvalues goes to the chosen positions.
/// PyTorch: torch.topk
template <Element T>
ValuesIndices<T> topk(const Tensor<T>& x, Index k) {
  const Index n = x.dim() > 0 ? x.size(-1) : 1;
  if (k < 0 || k > n) fail<IndexError>("topk: k ", k, " is out of range for shape ", x.shape());
  const Tensor<T> rows = x.detach().contiguous();
  Shape shape = x.shape();
  if (x.dim() > 0) shape[x.dim() - 1] = k;
  Tensor<std::int64_t> indices = empty<std::int64_t>(shape);
  const Index count = n > 0 ? rows.numel() / n : 0;
  parallel_for(count, 16384 / (n + 1) + 1, [&](Index begin, Index end) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    for (Index r = begin; r < end; ++r) {
      const T* row = rows.data() + r * n;
      std::iota(order.begin(), order.end(), std::int64_t{0});
      std::partial_sort(order.begin(), order.begin() + k, order.end(), [row](std::int64_t a, std::int64_t b) {
        const bool a_nan = row[a] != row[a], b_nan = row[b] != row[b];
        if (a_nan || b_nan) return a_nan && (!b_nan || a < b);
        return row[a] > row[b] || (row[a] == row[b] && a < b);
      });
      std::copy_n(order.begin(), k, indices.data() + r * k);
    }
  });
  if (x.dim() == 0) return {x, indices};
  return {gather(x, -1, indices), indices};
}

}  // namespace gloss::inline GLOSS_ABI
