// Sigmoid linear unit
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/ops/sigmoid.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x sigmoid(x).
/// Backward: dx = dy s (1 + x (1 - s)), s = sigmoid(x); x is saved.
/// Source: Hendrycks and Gimpel 2016.
/// PyTorch: torch.nn.functional.silu
template <Real T>
Tensor<T> silu(const Tensor<T>& x) {
  return map_smooth("silu", x, kernels::silu_forward<T>, kernels::silu_backward<T>, [](const Tensor<T>& v) {
    const Tensor<T> s = sigmoid(v);
    return s * (v * (1 - s) + 1);
  });
}

}  // namespace gloss::inline GLOSS_ABI
