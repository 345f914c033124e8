// Kullback-Leibler divergence
#pragma once

#include <cmath>

#include <gloss/ops/reduce_loss.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// loss = target * (log target - x), element by element, for log-probabilities x and probabilities target; where the
/// target is 0 its first term is 0, and NaN where it is negative. The mean is over all elements.
/// Shape: x and target broadcast -> [], or their shape for reduction none.
/// Errors: ShapeError when they do not.
/// Backward: dx = -target * dloss; the target is data, no gradient flows to it.
/// PyTorch: torch.nn.functional.kl_div
template <Real T>
Tensor<T> kl_div(const Tensor<T>& x, const Tensor<T>& target, LossReduction reduction = LossReduction::mean) {
  const Tensor<T> t = target.detach();
  if (broadcast_shapes("kl_div", x.shape(), t.shape()) != x.shape())
    return kl_div(x.expand(broadcast_shapes("kl_div", x.shape(), t.shape())), t, reduction);
  const Tensor<T> losses = map_unary<T>(t, [](T p) { return p == T{0} ? T{0} : p * std::log(p); }) - t * x;
  return reduce_loss(losses, reduction, losses.numel());
}

}  // namespace gloss::inline GLOSS_ABI
