// Bounds on each element
#pragma once

#include <gloss/ops/maximum.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// A bound as a T; one that T does not reach bounds nothing, instead of wrapping around.
template <class T>
T bound(Scalar<T> s) {
  if constexpr (Integer<T>) {
    using Limits = std::numeric_limits<T>;
    return static_cast<T>((std::min)((std::max)(Index{s}, Index{(Limits::min)()}), Index{(Limits::max)()}));
  } else {
    return static_cast<T>(s);
  }
}
}  // namespace detail

/// y = min(max(x, low), high); NaN stays NaN, and where low is above high every number becomes high.
/// Backward: dx = dy where low <= x <= high, else 0.
/// PyTorch: torch.clamp
template <Number T>
Tensor<T> clamp(const Tensor<T>& x, Scalar<T> low, Scalar<T> high) {
  const T lo = detail::bound<T>(low), hi = detail::bound<T>(high);
  Tensor<T> y = map_unary<T>(x, [lo, hi](T v) { return kernels::Smallest{}(kernels::Largest{}(v, lo), hi); });
  if constexpr (Real<T>)
    return record("clamp", y, {x}, [x, lo, hi](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, detail::weigh(dy, map_unary<T>(x, [lo, hi](T v) { return static_cast<T>(v >= lo && v <= hi); })));
    });
  return y;
}
/// y = max(x, low). PyTorch: torch.clamp(x, min=low)
template <Number T>
Tensor<T> clamp_min(const Tensor<T>& x, Scalar<T> low) {
  return clamp(x, low, detail::highest<T>());
}
/// y = min(x, high). PyTorch: torch.clamp(x, max=high)
template <Number T>
Tensor<T> clamp_max(const Tensor<T>& x, Scalar<T> high) {
  return clamp(x, detail::lowest<T>(), high);
}
/// The same with bounds that broadcast.
/// Shape: x, low, high broadcast.
/// Errors: ShapeError when they do not.
/// Backward: dy goes to whichever of x, low and high was chosen; of equals to x.
/// PyTorch: torch.clamp(x, low, high)
template <Number T>
Tensor<T> clamp(const Tensor<T>& x, const Tensor<T>& low, const Tensor<T>& high) {
  const Tensor<T> y = detail::choose(
      "clamp", x, low, kernels::Largest{}, [](T v, T l) { return static_cast<T>(v >= l); },
      [](T v, T l) { return static_cast<T>(v < l); });
  return detail::choose(
      "clamp", y, high, kernels::Smallest{}, [](T v, T h) { return static_cast<T>(v <= h); },
      [](T v, T h) { return static_cast<T>(v > h); });
}

}  // namespace gloss::inline GLOSS_ABI
