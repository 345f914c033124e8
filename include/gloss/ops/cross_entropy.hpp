// Cross-entropy from logits
#pragma once

#include <gloss/kernels/cross_entropy.hpp>
#include <gloss/ops/reduce_loss.hpp>

namespace gloss::inline GLOSS_ABI {

struct CrossEntropyOptions {
  double label_smoothing = 0;        // this much of the target is spread evenly over all classes
  std::int64_t ignore_index = -100;  // rows with this target count nothing
  LossReduction reduction = LossReduction::mean;
  Index class_axis = 1;  // of x, as PyTorch has it, which in [n] is axis 0; -1: the last
};

/// loss = -sum_i t_i log softmax(x)_i by rows, t = (1 - smoothing) at the target + smoothing / n; no probabilities are
/// stored. The mean is over the rows that are not ignored; NaN when all are.
/// Shape: x [rows, n], [n] or [rows, n, ...] logits, target x without the axis of the n classes -> [], or as target for
/// reduction none; with class_axis -1 x [..., n], which is read as it lies.
/// Errors: ShapeError when target does not match, IndexError for a wrong class_axis or a target outside [0, n), Error
/// for a smoothing outside [0, 1]; GradError from a recorded backward (the op is fused).
/// Backward: dx = dloss * (softmax(x) - t), 0 for ignored rows; x and the two parts of log sum exp x are saved.
/// PyTorch: torch.nn.functional.cross_entropy
template <Real T>
Tensor<T> cross_entropy(const Tensor<T>& x, const Tensor<std::int64_t>& target, CrossEntropyOptions options = {}) {
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    fail("cross_entropy: label_smoothing ", options.label_smoothing, " is not in [0, 1]");
  ProfileScope scope("cross_entropy");
  if (scope) scope.bytes(sizeof(T), {x.numel()});
  const auto [class_axis, count] =
      detail::check_classes("cross_entropy", x, target, options.ignore_index, options.class_axis);
  const int axis = class_axis, last = x.dim() - 1;
  const Index n = x.size(axis), rows = target.numel();
  const Tensor<T> in = detail::move_axis(x.detach(), axis, last).contiguous();
  const Tensor<std::int64_t> ids = target.contiguous();
  const kernels::SmoothedTarget t = kernels::cross_entropy_target(n, options.ignore_index, options.label_smoothing);
  Tensor<T> losses = empty<T>(target.shape()), max = empty<T>({rows}), log_sum = empty<T>({rows});
  kernels::cross_entropy_forward(static_cast<const T*>(in.data()), static_cast<const std::int64_t*>(ids.data()),
                                 losses.data(), max.data(), log_sum.data(), rows, n, t);
  losses = record(
      "cross_entropy", losses, {x}, [in, ids, max, log_sum, rows, n, t, axis, last](const Tensor<T>& dy, Grads& dx) {
        if (is_grad_enabled()) fail<GradError>("cross_entropy: a fused op has no second derivative");
        const Tensor<T> g = dy.contiguous();
        Tensor<T> d_in = empty<T>(in.shape());
        kernels::cross_entropy_backward(static_cast<const T*>(g.data()), Index{1}, static_cast<const T*>(in.data()),
                                        static_cast<const std::int64_t*>(ids.data()), static_cast<const T*>(max.data()),
                                        static_cast<const T*>(log_sum.data()), d_in.data(), rows, n, t);
        if (axis != last) d_in = detail::move_axis(d_in, last, axis).contiguous();
        dx.add(0, std::move(d_in));
      });
  return reduce_loss(losses, options.reduction, count);
}

GLOSS_INSTANTIATE(Tensor<float> cross_entropy(const Tensor<float>&, const Tensor<std::int64_t>&, CrossEntropyOptions))
GLOSS_INSTANTIATE(Tensor<double> cross_entropy(const Tensor<double>&, const Tensor<std::int64_t>&, CrossEntropyOptions))

}  // namespace gloss::inline GLOSS_ABI
