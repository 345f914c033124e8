// Absolute value
#pragma once

#include <cmath>

#include <gloss/ops/mul.hpp>
#include <gloss/ops/sign.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = |x|; the smallest whole number, which has no opposite, stays as it is.
/// Backward: dx = dy * sign(x), 0 at 0.
/// PyTorch: torch.abs
template <Number T>
Tensor<T> abs(const Tensor<T>& x) {
  if constexpr (Real<T>) {
    Tensor<T> y = map_unary<T>(x, [](T v) { return std::abs(v); });
    return record("abs", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * sign(x)); });
  } else {
    return map_unary<T>(x, [](T v) { return v < T{0} ? kernels::Minus{}(T{0}, v) : v; });
  }
}

}  // namespace gloss::inline GLOSS_ABI
