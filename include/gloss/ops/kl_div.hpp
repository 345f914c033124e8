// Kullback-Leibler divergence
#pragma once

#include <cmath>

#include <gloss/ops/exp.hpp>
#include <gloss/ops/log.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/reduce_loss.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

struct KlDivOptions {
  bool log_target = false;  // the target holds logarithms of probabilities
};

namespace detail {
/// p log p, 0 at 0.
template <class T>
Tensor<T> negative_entropy(const Tensor<T>& p) {
  Tensor<T> y = map_unary<T>(p, [](T v) { return v == T{0} ? T{0} : v * std::log(v); });
  return record("negative_entropy", y, {p}, [p](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * (log(p) + 1)); });
}
}  // namespace detail

/// loss = target * (log target - x), element by element, for log-probabilities x and probabilities target; where the
/// target is 0 its first term is 0, and NaN where it is negative. With log_target e^target * (target - x). The mean is
/// over all elements, which is not the divergence: batchmean is, its mean over axis 0 of x.
/// Shape: x and target broadcast -> [], or their shape for reduction none.
/// Errors: ShapeError when they do not.
/// Backward: dx = -target * dloss, dtarget = (log target + 1 - x) * dloss; with log_target dx = -e^target * dloss,
/// dtarget = e^target (target + 1 - x) * dloss.
/// PyTorch: torch.nn.functional.kl_div
template <Real T>
Tensor<T> kl_div(const Tensor<T>& x, const Tensor<T>& target, LossReduction reduction = LossReduction::mean,
                 KlDivOptions options = {}) {
  broadcast_shapes("kl_div", x.shape(), target.shape());
  const Tensor<T> losses =
      options.log_target ? exp(target) * (target - x) : detail::negative_entropy(target) - target * x;
  if (reduction == LossReduction::batchmean) return sum(losses) / static_cast<double>(x.dim() == 0 ? 1 : x.size(0));
  return reduce_loss(losses, reduction, static_cast<double>(losses.numel()));
}

}  // namespace gloss::inline GLOSS_ABI
