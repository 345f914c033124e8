// Logistic function
#pragma once

#include <cmath>

#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = 1 / (1 + e^-x).
/// Backward: dx = dy * y * (1 - y).
/// PyTorch: torch.sigmoid
template <Real T>
Tensor<T> sigmoid(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return T{1} / (T{1} + std::exp(-v)); });
  return record("sigmoid", y, {x}, [x, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> s = is_grad_enabled() ? sigmoid(x) : saved;
    dx.add(0, dy * (s * (1 - s)));
  });
}

}  // namespace gloss::inline GLOSS_ABI
