// Absolute error
#pragma once

#include <gloss/ops/elementwise_loss.hpp>
#include <gloss/ops/sign.hpp>

namespace gloss::inline GLOSS_ABI {

/// loss = |x - target| by elements, their mean, their sum or each.
/// Shape: x and target alike -> [], or their shape for reduction none.
/// Errors: ShapeError when they differ.
/// Backward: dx = sign(x - target) dloss / count, 0 where they are equal, dtarget = -dx; x and target are saved.
/// PyTorch: torch.nn.functional.l1_loss
template <Real T>
Tensor<T> l1_loss(const Tensor<T>& x, const Tensor<T>& target, LossReduction reduction = LossReduction::mean) {
  return detail::difference_loss("l1_loss", x, target, reduction, kernels::AbsoluteLoss<T>{},
                                 [](const Tensor<T>& d) { return sign(d); });
}

}  // namespace gloss::inline GLOSS_ABI
