// Negative log-likelihood
#pragma once

#include <gloss/ops/compare.hpp>
#include <gloss/ops/gather.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/reduce_loss.hpp>

namespace gloss::inline GLOSS_ABI {

struct NllLossOptions {
  std::int64_t ignore_index = -100;  // rows with this target count nothing
  LossReduction reduction = LossReduction::mean;
  Index class_axis = 1;  // of x, as PyTorch has it, which in [n] is axis 0; -1: the last
};

/// loss = -weight[target] x[target] by rows, for log-probabilities x; a weight of 1 where none is given. The mean is
/// over the rows that are not ignored, divided by what their classes weigh; NaN when all are.
/// Shape: x [rows, n], [n] or [rows, n, ...], target x without the axis of the n classes -> [], or as target for
/// reduction none; with class_axis -1 x [..., n]. weight [n]
/// Errors: ShapeError when target or weight does not match, IndexError for a wrong class_axis or a target outside
/// [0, n).
/// Backward: made of ops.
/// PyTorch: torch.nn.functional.nll_loss
template <Real T>
Tensor<T> nll_loss(const Tensor<T>& x, const Tensor<std::int64_t>& target, NllLossOptions options = {}) {
  return nll_loss(x, target, Tensor<T>{}, options);
}
template <Real T>
Tensor<T> nll_loss(const Tensor<T>& x, const Tensor<std::int64_t>& target, const Tensor<T>& weight,
                   NllLossOptions options = {}) {
  const auto [axis, rows] = detail::check_classes("nll_loss", x, target, options.ignore_index, options.class_axis);
  double count = static_cast<double>(rows);
  const Tensor<bool> ignored = target == options.ignore_index;
  const Tensor<std::int64_t> ids = masked_fill(target, ignored, 0);
  Tensor<T> losses = -gather(x, axis, ids.unsqueeze(axis)).squeeze(axis);
  if (weight.defined()) {
    const Tensor<T> of_class = detail::class_weight("nll_loss", weight, x.size(axis));
    count = detail::weight_of_rows(of_class, target, options.ignore_index);
    losses = losses * gather(of_class, 0, ids.reshape({ids.numel()})).view(ids.shape());
  }
  return reduce_loss(masked_fill(losses, ignored, 0), options.reduction, count);
}

}  // namespace gloss::inline GLOSS_ABI
