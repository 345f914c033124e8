// Hyperbolic tangent
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = tanh x.
/// Backward: dx = dy * (1 - y^2); y is saved.
/// PyTorch: torch.tanh
template <Real T>
Tensor<T> tanh(const Tensor<T>& x) {
  Tensor<T> y = map_dense(x, kernels::tanh_forward<T>);
  return record("tanh", y, {x}, [saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (!is_grad_enabled()) return dx.add(0, map_dense(saved, dy, kernels::tanh_backward<T>));
    const Tensor<T> t = dx.result(saved);
    dx.add(0, dy * (1 - t * t));
  });
}

}  // namespace gloss::inline GLOSS_ABI
