// Mish, a smooth rectifier that lets small negative numbers through
#pragma once

#include <gloss/ops/softplus.hpp>
#include <gloss/ops/tanh.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x tanh(ln(1 + e^x)).
/// Backward: dx = dy (t + x (1 - t^2) sigmoid(x)), t = tanh(ln(1 + e^x)); x is saved.
/// Source: Misra 2019.
/// PyTorch: torch.nn.functional.mish
template <Real T>
Tensor<T> mish(const Tensor<T>& x) {
  return map_smooth("mish", x, kernels::mish_forward<T>, kernels::mish_backward<T>, [](const Tensor<T>& v) {
    const Tensor<T> t = tanh(softplus(v));
    return t + v * (1 - t * t) * sigmoid(v);
  });
}

}  // namespace gloss::inline GLOSS_ABI
