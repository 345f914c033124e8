// Errors that are squared while small
#pragma once

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/l1_loss.hpp>

namespace gloss::inline GLOSS_ABI {

struct SmoothL1LossOptions {
  double beta = 1;  // where the parabola ends; 0: nowhere, which is l1_loss
  LossReduction reduction = LossReduction::mean;
};

/// loss = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, for d = x - target.
/// Shape: x and target alike -> [], or their shape for reduction none.
/// Errors: ShapeError when they differ, Error for a negative beta.
/// Backward: dx = min(max(d / beta, -1), 1) dloss / count, dtarget = -dx; x and target are saved.
/// PyTorch: torch.nn.functional.smooth_l1_loss
template <Real T>
Tensor<T> smooth_l1_loss(const Tensor<T>& x, const Tensor<T>& target, SmoothL1LossOptions options = {}) {
  const double beta = options.beta;
  if (!(beta >= 0)) fail("smooth_l1_loss: beta ", beta, " is negative");
  if (beta == 0) return l1_loss(x, target, options.reduction);
  return detail::difference_loss("smooth_l1_loss", x, target, options.reduction,
                                 kernels::BentLoss<T>{static_cast<T>(beta), static_cast<T>(1 / beta)},
                                 [beta](const Tensor<T>& d) { return clamp(d, -beta, beta) / beta; });
}

}  // namespace gloss::inline GLOSS_ABI
