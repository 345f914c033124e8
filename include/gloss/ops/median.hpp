// Median
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/ops/cumsum.hpp>
#include <gloss/ops/max.hpp>

namespace gloss::inline GLOSS_ABI {

/// The middle element along an axis, the lower one of two, and where it stands (the first of equals); NaN wins.
/// Shape: x without the axis, or with it as 1 (keepdim).
/// Errors: IndexError for a wrong axis, ShapeError for an empty one.
/// Backward: dx = dy at the chosen position.
/// PyTorch: torch.median(x, dim), where which of equal elements is named is not specified
template <Number T>
ValuesIndices<T> median(const Tensor<T>& x, Index axis, ReduceOptions options = {}) {
  const int a = normalize_axis("median", axis, x.dim());
  const Tensor<T> in = x.detach().contiguous();
  Shape shape = x.shape();
  if (x.dim() > 0) {
    if (shape[a] == 0) fail<ShapeError>("median: axis ", a, " of shape ", shape, " is empty");
    shape[a] = 1;
  }
  Tensor<std::int64_t> index = empty<std::int64_t>(shape);
  detail::for_each_line(x.shape(), a, [&](Index first, Index stride, Index n) {
    std::vector<Index> order(static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
    const T* line = in.data() + first;
    auto at = [=](Index i) { return line[i * stride]; };
    Index chosen = 0;
    while (chosen < n && at(chosen) == at(chosen)) ++chosen;
    if (chosen == n) {  // no NaN
      const auto middle = order.begin() + (n - 1) / 2;
      std::nth_element(order.begin(), middle, order.end(),
                       [&](Index i, Index j) { return at(i) < at(j) || (at(i) == at(j) && i < j); });
      const T value = at(*middle);
      for (chosen = 0; at(chosen) != value;) ++chosen;
    }
    index.data()[first / (stride * n) * stride + first % stride] = chosen;
  });
  return detail::pick(x, a, index, options.keepdim);
}
/// The middle element of all; NaN for none. Backward: shared evenly among equals. PyTorch: torch.median(x)
template <Number T>
Tensor<T> median(const Tensor<T>& x) {
  Tensor<T> y = x.numel() > 0 ? median(x.detach().reshape({-1}), 0).values
                              : scalar<T>(std::numeric_limits<T>::has_quiet_NaN ? std::numeric_limits<T>::quiet_NaN()
                                                                                : detail::lowest<T>());
  if constexpr (Real<T>)
    return record("median", y, {x}, [x, found = y.detach()](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, detail::share_evenly("median", x, found, {}, dy));
    });
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
