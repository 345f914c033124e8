// Bounds on each element
#pragma once

#include <gloss/ops/elementwise.hpp>
#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = min(max(x, low), high); NaN stays NaN.
/// Errors: Error when low is above high.
/// Backward: dx = dy where low <= x <= high, else 0.
/// PyTorch: torch.clamp
template <Real T>
Tensor<T> clamp(const Tensor<T>& x, Scalar<T> low, Scalar<T> high) {
  if (!(low <= high)) fail("clamp: low ", low, " is above high ", high);
  const T lo = static_cast<T>(low), hi = static_cast<T>(high);
  Tensor<T> y = map_unary<T>(x, [lo, hi](T v) { return v < lo ? lo : v > hi ? hi : v; });
  return record("clamp", y, {x}, [x, lo, hi](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy * map_unary<T>(x, [lo, hi](T v) { return static_cast<T>(v >= lo && v <= hi); }));
  });
}

}  // namespace gloss::inline GLOSS_ABI
