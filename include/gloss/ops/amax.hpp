// Largest and smallest values over axes
#pragma once

#include <gloss/ops/div.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
// dy, shared evenly among the elements of x that are equal to what was found; NaN counts as equal to NaN.
template <class T>
Tensor<T> share_evenly(const char* op, const Tensor<T>& x, const Tensor<T>& found, const Axes& axes,
                       const Tensor<T>& dy) {
  const Tensor<T> hits =
      map_binary<T>(op, x, found, [](T v, T best) { return static_cast<T>(v == best || (v != v && best != best)); });
  return weigh(dy.view(found.shape()) / sum(hits, axes, {.keepdim = true}).view(found.shape()), hits);
}

template <class Combine, class T>
Tensor<T> extreme(const char* op, const Tensor<T>& x, const Axes& axes, ReduceOptions options, T identity) {
  const ReducePlan plan(op, x.shape(), axes);
  plan.require_elements(op, x.shape());
  Tensor<T> y = plan.run(x, identity, Combine{}, options);
  if constexpr (Real<T>)
    return record(op, y, {x}, [op, x, axes, found = y.detach().view(plan.kept)](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, share_evenly(op, x, found, axes, dy));
    });
  return y;
}
}  // namespace detail

/// y = the largest x over axes (all by default); NaN wins.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis, ShapeError when there is no element to choose.
/// Backward: dx = dy at the largest, shared evenly among equals. (Where the result is NaN, PyTorch's amax has NaN
/// everywhere; here, as in its max, the NaNs share.)
/// PyTorch: torch.amax
template <Summable T>
Tensor<T> amax(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  return detail::extreme<kernels::Largest>("amax", x, axes, options, detail::lowest<T>());
}
/// y = the smallest x over axes (all by default); NaN wins. PyTorch: torch.amin
template <Summable T>
Tensor<T> amin(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  return detail::extreme<kernels::Smallest>("amin", x, axes, options, detail::highest<T>());
}

/// The largest element of all; NaN wins.
/// Errors: ShapeError when there is none.
/// Backward: shared evenly among equals.
/// PyTorch: torch.max(x)
template <Summable T>
Tensor<T>(max)(const Tensor<T>& x) {
  return detail::extreme<kernels::Largest>("max", x, {}, {}, detail::lowest<T>());
}
/// The smallest element of all. PyTorch: torch.min(x)
template <Summable T>
Tensor<T>(min)(const Tensor<T>& x) {
  return detail::extreme<kernels::Smallest>("min", x, {}, {}, detail::highest<T>());
}

}  // namespace gloss::inline GLOSS_ABI
