// Absolute value
#pragma once

#include <cmath>

#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = |x|.
/// Backward: dx = dy * sign(x), 0 at 0.
/// PyTorch: torch.abs
template <Real T>
Tensor<T> abs(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::abs(v); });
  return record("abs", y, {x}, [x](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy * map_unary<T>(x, [](T v) { return static_cast<T>((v > T{0}) - (v < T{0})); }));
  });
}

}  // namespace gloss::inline GLOSS_ABI
