// Squared error
#pragma once

#include <gloss/ops/elementwise_loss.hpp>

namespace gloss::inline GLOSS_ABI {

/// loss = (x - target)^2 by elements, their mean, their sum or each.
/// Shape: x and target alike -> [], or their shape for reduction none. Nothing broadcasts: [n] against [n, 1] would be
/// n^2 losses.
/// Errors: ShapeError when they differ.
/// Backward: dx = 2 (x - target) dloss / count, dtarget = -dx; x and target are saved.
/// PyTorch: torch.nn.functional.mse_loss
template <Real T>
Tensor<T> mse_loss(const Tensor<T>& x, const Tensor<T>& target, LossReduction reduction = LossReduction::mean) {
  return detail::difference_loss("mse_loss", x, target, reduction, kernels::SquaredLoss<T>{},
                                 [](const Tensor<T>& d) { return d * 2; });
}

}  // namespace gloss::inline GLOSS_ABI
