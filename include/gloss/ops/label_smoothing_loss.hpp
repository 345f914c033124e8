// The Annotated Transformer's loss: divergence from a smoothed target
#pragma once

#include <vector>

#include <gloss/kernels/label_smoothing.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// Can `smoothing` be spread over `size` classes?
GLOSS_LAZY void check_smoothing(const char* op, Index size, double smoothing) {
  if (size < 3) fail(op, ": size ", size, " leaves nothing to spread over");
  if (!(smoothing >= 0 && smoothing <= 1)) fail(op, ": smoothing ", smoothing, " is not in [0, 1]");
}
/// The op below for the last axis of x, under its name or another.
template <class T>
Tensor<T> smoothed_loss(const char* op, const Tensor<T>& x, const Tensor<std::int64_t>& target,
                        std::int64_t padding_idx, double smoothing) {
  ProfileScope scope("label_smoothing");
  if (scope) scope.bytes(sizeof(T), {x.numel()});
  const Index n = x.size(-1), rows = x.numel() / n;
  if (target.numel() != rows) fail<ShapeError>(op, ": target ", target.shape(), " does not fit x ", x.shape());
  const Tensor<std::int64_t> ids = target.contiguous();
  for (Index r = 0; r < rows; ++r)
    if (ids.data()[r] < 0 || ids.data()[r] >= n)
      fail<IndexError>(op, ": target ", ids.data()[r], " is out of range for size ", n);
  const Tensor<T> in = x.detach().contiguous();
  const kernels::SmoothedTarget t = kernels::label_smoothing_target(n, padding_idx, smoothing);
  std::vector<double> losses(static_cast<std::size_t>(rows));
  kernels::label_smoothing_forward(static_cast<const T*>(in.data()), static_cast<const std::int64_t*>(ids.data()),
                                   losses.data(), rows, n, t);
  double total = 0;
  for (const double loss : losses) total += loss;
  return record("label_smoothing", full<T>({}, static_cast<T>(total)), {x},
                [shape = x.shape(), ids, rows, n, t](const Tensor<T>& dy, Grads& dx) {
                  if (is_grad_enabled()) fail<GradError>("label_smoothing: a fused op has no second derivative");
                  Tensor<T> d_in = empty<T>(shape);
                  kernels::label_smoothing_backward(static_cast<double>(dy.item()),
                                                    static_cast<const std::int64_t*>(ids.data()), d_in.data(), rows, n,
                                                    t);
                  dx.add(0, std::move(d_in));
                });
}
}  // namespace detail

/// loss = the sum over rows of KL(t || e^x) for a smoothed target t: 1 - smoothing at the target, 0 at padding_idx,
/// smoothing / (n - 2) elsewhere; a row whose target is padding counts nothing. t is never formed. What has t = 0
/// counts nothing either: x may be -infinity at padding_idx, as logits that rule padding out give it. A padding_idx
/// outside [0, n) is no class.
/// Shape: x [..., n] log-probabilities, target [...] -> []
/// Errors: ShapeError for a scalar and when target does not fit, IndexError for a target outside [0, n), Error for a
/// smoothing outside [0, 1] or n < 3; GradError from a recorded backward (the op is fused).
/// Backward: dx = -t * dloss.
/// Source: paper 5.4. AT: LabelSmoothing
template <Real T>
Tensor<T> label_smoothing_loss(const Tensor<T>& x, const Tensor<std::int64_t>& target, std::int64_t padding_idx,
                               double smoothing) {
  const char* const op = "label_smoothing_loss";
  if (x.dim() == 0) fail<ShapeError>(op, ": a scalar has no axis of classes");
  detail::check_smoothing(op, x.size(-1), smoothing);
  return detail::smoothed_loss(op, x, target, padding_idx, smoothing);
}

}  // namespace gloss::inline GLOSS_ABI
