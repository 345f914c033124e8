// Logistic function
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = 1 / (1 + e^-x).
/// Backward: dx = dy * y * (1 - y); y is saved.
/// PyTorch: torch.sigmoid
template <Real T>
Tensor<T> sigmoid(const Tensor<T>& x) {
  Tensor<T> y = map_dense(x, kernels::sigmoid_forward<T>);
  return record("sigmoid", y, {x}, [saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (!is_grad_enabled()) return dx.add(0, map_dense(saved, dy, kernels::sigmoid_backward<T>));
    const Tensor<T> s = dx.result(saved);
    dx.add(0, dy * (s * (1 - s)));
  });
}

}  // namespace gloss::inline GLOSS_ABI
