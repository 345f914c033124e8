// Running extremes, with their positions
#pragma once

#include <gloss/ops/cumsum.hpp>
#include <gloss/ops/max.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T, class NotWorse>
ValuesIndices<T> running_best(const char* op, const Tensor<T>& x, Index axis, NotWorse not_worse) {
  const int a = normalize_axis(op, axis, x.dim());
  const Tensor<T> in = x.detach().contiguous();
  Tensor<std::int64_t> index = empty<std::int64_t>(x.shape());
  for_each_line(x.shape(), a, [=, from = in.data(), to = index.data()](Index first, Index stride, Index n) {
    Index best = 0;
    for (Index i = 0; i < n; ++i) {
      const T candidate = from[first + i * stride], held = from[first + best * stride];
      if (candidate != candidate || (held == held && not_worse(candidate, held))) best = i;
      to[first + i * stride] = best;
    }
  });
  if (x.dim() == 0) return {x.clone(), index};
  return {gather(x, a, index), index};
}
}  // namespace detail

/// The largest of x_0 ... x_i along an axis and where it stands, the last of equals; NaN wins from where it stands.
/// Shape: x.
/// Errors: IndexError for a wrong axis.
/// Backward: dy goes to the chosen positions.
/// PyTorch: torch.cummax
template <Summable T>
ValuesIndices<T> cummax(const Tensor<T>& x, Index axis) {
  return detail::running_best("cummax", x, axis, [](T a, T b) { return a >= b; });
}
/// The smallest of x_0 ... x_i along an axis and where it stands. PyTorch: torch.cummin
template <Summable T>
ValuesIndices<T> cummin(const Tensor<T>& x, Index axis) {
  return detail::running_best("cummin", x, axis, [](T a, T b) { return a <= b; });
}

}  // namespace gloss::inline GLOSS_ABI
