// Running sums
#pragma once

#include <gloss/ops/reduce_axes.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// Calls f(first, stride, n) for each line along an axis of a dense tensor of this shape, in parallel.
template <class F>
void for_each_line(const Shape& shape, int axis, F f) {
  const Index n = shape.rank() > 0 ? shape[axis] : 1;
  Index stride = 1;
  for (int a = axis + 1; a < shape.rank(); ++a) stride *= shape[a];
  const Index lines = n > 0 ? shape.numel() / n : 0;
  parallel_for(lines, 16384 / (n + 1) + 1, [=](Index begin, Index end) {
    for (Index line = begin; line < end; ++line) f(line / stride * stride * n + line % stride, stride, n);
  });
}

/// y_i = x_0 with x_1 ... x_i combined, along an axis; from the other end where `backwards`. Unrecorded. What has been
/// combined is a double for float, so that a long line keeps its digits, and a Y for the other types.
template <class Y, class X, class Combine>
Tensor<Y> scan(const Tensor<X>& x, int axis, Combine combine, bool backwards = false) {
  using Sum = Accumulator<Y>;
  const Tensor<X> in = x.detach().contiguous();
  Tensor<Y> y = empty<Y>(x.shape());
  for_each_line(x.shape(), axis,
                [=, from = static_cast<const X*>(in.data()), to = y.data()](Index first, Index stride, Index n) {
                  const Index step = backwards ? -stride : stride;
                  const X* px = from + first + (backwards ? (n - 1) * stride : 0);
                  Y* py = to + (px - from);
                  Sum total = static_cast<Sum>(*px);
                  *py = static_cast<Y>(total);
                  for (Index i = 1; i < n; ++i) {
                    total = combine(total, static_cast<Sum>(px[i * step]));
                    py[i * step] = static_cast<Y>(total);
                  }
                });
  return y;
}

/// The sum of x_i and all that come after it.
template <Real T>
Tensor<T> cumsum_from(const Tensor<T>& x, int axis) {
  return record("cumsum", scan<T>(x, axis, kernels::Plus{}, true), {x},
                [axis](const Tensor<T>& dy, Grads& dx) { dx.add(0, cumsum(dy, axis)); });
}
}  // namespace detail

/// y_i = x_0 + ... + x_i along an axis. Whole numbers and booleans are summed in int64.
/// Shape: x.
/// Errors: IndexError for a wrong axis.
/// Backward: dx_i = dy_i + ... + dy_n.
/// PyTorch: torch.cumsum
template <Summable T>
Tensor<Total<T>> cumsum(const Tensor<T>& x, Index axis) {
  const int a = normalize_axis("cumsum", axis, x.dim());
  Tensor<Total<T>> y = detail::scan<Total<T>>(x, a, kernels::Plus{});
  if constexpr (Real<T>)
    return record("cumsum", y, {x}, [a](const Tensor<T>& dy, Grads& dx) { dx.add(0, detail::cumsum_from(dy, a)); });
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
