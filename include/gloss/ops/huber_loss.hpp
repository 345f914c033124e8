// Squared error that grows no faster than a line
#pragma once

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/elementwise_loss.hpp>

namespace gloss::inline GLOSS_ABI {

struct HuberLossOptions {
  double delta = 1;  // where the line begins
  LossReduction reduction = LossReduction::mean;
};

/// loss = d^2 / 2 where |d| < delta, else delta (|d| - delta / 2), for d = x - target.
/// Shape: x and target alike -> [], or their shape for reduction none.
/// Errors: ShapeError when they differ, Error for a delta that is not above 0.
/// Backward: dx = min(max(d, -delta), delta) dloss / count, dtarget = -dx; x and target are saved.
/// PyTorch: torch.nn.functional.huber_loss
template <Real T>
Tensor<T> huber_loss(const Tensor<T>& x, const Tensor<T>& target, HuberLossOptions options = {}) {
  const double delta = options.delta;
  if (!(delta > 0)) fail("huber_loss: delta ", delta, " is not above 0");
  return detail::difference_loss("huber_loss", x, target, options.reduction,
                                 kernels::BentLoss<T>{static_cast<T>(delta), T(1)},
                                 [delta](const Tensor<T>& d) { return clamp(d, -delta, delta); });
}

}  // namespace gloss::inline GLOSS_ABI
