// Sign
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = 1, 0 or -1 as x is above, at or below 0; 0 for NaN.
/// Backward: dx = 0.
/// PyTorch: torch.sign
template <Number T>
Tensor<T> sign(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return static_cast<T>((v > T{0}) - (v < T{0})); });
  if constexpr (Real<T>)
    return record("sign", y, {x}, [](const Tensor<T>& dy, Grads& dx) { dx.add(0, zeros_like(dy)); });
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
