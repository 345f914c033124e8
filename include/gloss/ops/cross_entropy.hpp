// Cross-entropy from logits
#pragma once

#include <gloss/kernels/cross_entropy.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/nll_loss.hpp>
#include <gloss/ops/reduce_loss.hpp>
#include <gloss/ops/softmax.hpp>

namespace gloss::inline GLOSS_ABI {

struct CrossEntropyOptions {
  double label_smoothing = 0;        // this much of the target is spread evenly over all classes
  std::int64_t ignore_index = -100;  // rows with this target count nothing
  LossReduction reduction = LossReduction::mean;
  Index class_axis = 1;  // of x, as PyTorch has it, which in [n] is axis 0; -1: the last
};

namespace detail {
GLOSS_LAZY void check_smoothing(const CrossEntropyOptions& options) {
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    fail("cross_entropy: label_smoothing ", options.label_smoothing, " is not in [0, 1]");
}

/// A weight for each class along an axis, to broadcast.
template <class T>
Tensor<T> along_axis(const Tensor<T>& weight, int axis, int rank) {
  Shape shape = Shape::filled(rank, 1);
  shape[axis] = weight.numel();
  return weight.view(shape);
}
/// The loss of each row made of ops, for a backward that is itself recorded. The weight may be undefined with classes.
template <class T>
Tensor<T> composed_cross_entropy(const Tensor<T>& x, int axis, const Tensor<std::int64_t>& classes,
                                 const Tensor<T>& probabilities, const Tensor<T>& weight,
                                 const CrossEntropyOptions& options) {
  const double keep = 1 - options.label_smoothing, spread = options.label_smoothing / static_cast<double>(x.size(axis));
  const Tensor<T> logs = log_softmax(x, axis);
  const Tensor<T> weighted = weight.defined() ? logs * along_axis(weight, axis, x.dim()) : logs;
  if (!classes.defined()) return -sum(weighted * (probabilities * keep + spread), axis);
  const Tensor<T> even = masked_fill(sum(weighted, axis) * spread, classes == options.ignore_index, 0);
  return nll_loss(logs, classes, weight,
                  {.ignore_index = options.ignore_index, .reduction = LossReduction::none, .class_axis = axis}) *
             keep -
         even;
}

/// The loss of each row for classes or, where those are undefined, probabilities; a weight for each class.
template <class T>
Tensor<T> weighted_cross_entropy(const Tensor<T>& x, int axis, const Tensor<std::int64_t>& classes,
                                 const Tensor<T>& probabilities, const Tensor<T>& weight,
                                 const CrossEntropyOptions& options) {
  ProfileScope scope("cross_entropy");
  if (scope) scope.bytes(sizeof(T), {x.numel()});
  const int last = x.dim() - 1;
  const Index n = x.size(axis), rows = n > 0 ? x.numel() / n : without_axis(x.shape(), axis).numel();
  const auto by_rows = [=](const Tensor<T>& t) { return move_axis(t.detach(), axis, last).contiguous(); };
  const Tensor<T> in = by_rows(x), shares = classes.defined() ? Tensor<T>{} : by_rows(probabilities);
  const Tensor<std::int64_t> ids = classes.defined() ? classes.contiguous() : classes;
  const T keep = static_cast<T>(1 - options.label_smoothing);
  const T spread = static_cast<T>(options.label_smoothing / static_cast<double>(n));
  const auto target = [=, ignored = options.ignore_index] {
    return kernels::WeightedTarget<T>{ids.defined() ? ids.data() : nullptr,
                                      shares.defined() ? shares.data() : nullptr,
                                      weight.data(),
                                      keep,
                                      spread,
                                      ignored};
  };
  Tensor<T> losses = empty<T>(without_axis(x.shape(), axis)), max = empty<T>({rows}), log_sum = empty<T>({rows}),
            share = empty<T>({rows});
  kernels::weighted_cross_entropy_forward(static_cast<const T*>(in.data()), target(), losses.data(), max.data(),
                                          log_sum.data(), share.data(), rows, n);
  return record("cross_entropy", losses, {x, probabilities}, [=](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled())
      return dx.go_through(detail::composed_cross_entropy(x, axis, ids, probabilities, weight, options), dy);
    if (dx.needs(1))
      dx.add(1, log_softmax(x.detach(), axis) * (dy * -static_cast<double>(keep)).unsqueeze(axis) *
                    along_axis(weight, axis, x.dim()));
    if (!dx.needs(0)) return;
    const Tensor<T> g = dy.contiguous();
    Tensor<T> d_in = empty<T>(in.shape());
    kernels::weighted_cross_entropy_backward(
        static_cast<const T*>(g.data()), static_cast<const T*>(in.data()), target(), static_cast<const T*>(max.data()),
        static_cast<const T*>(log_sum.data()), static_cast<const T*>(share.data()), d_in.data(), rows, n);
    dx.add(0, axis == last ? d_in : move_axis(d_in, last, axis).contiguous());
  });
}
}  // namespace detail

/// loss = -sum_i t_i log softmax(x)_i by rows, t = (1 - smoothing) at the target + smoothing / n; no probabilities are
/// stored. The mean is over the rows that are not ignored; NaN when all are.
/// Shape: x [rows, n], [n] or [rows, n, ...] logits, target x without the axis of the n classes -> [], or as target for
/// reduction none; with class_axis -1 x [..., n], which is read as it lies.
/// Errors: ShapeError when target does not match, IndexError for a wrong class_axis or a target outside [0, n), Error
/// for a smoothing outside [0, 1].
/// Backward: dx = dloss * (softmax(x) - t), 0 for ignored rows; x and the two parts of log sum exp x are saved. A
/// backward that is itself recorded is made of ops.
/// PyTorch: torch.nn.functional.cross_entropy
template <Real T>
Tensor<T> cross_entropy(const Tensor<T>& x, const Tensor<std::int64_t>& target, CrossEntropyOptions options = {}) {
  detail::check_smoothing(options);
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
  losses = record("cross_entropy", losses, {x}, [=](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) return dx.go_through(detail::composed_cross_entropy(x, axis, ids, {}, {}, options), dy);
    const Tensor<T> g = dy.contiguous();
    Tensor<T> d_in = empty<T>(in.shape());
    kernels::cross_entropy_backward(static_cast<const T*>(g.data()), Index{1}, static_cast<const T*>(in.data()),
                                    static_cast<const std::int64_t*>(ids.data()), static_cast<const T*>(max.data()),
                                    static_cast<const T*>(log_sum.data()), d_in.data(), rows, n, t);
    if (axis != last) d_in = detail::move_axis(d_in, last, axis).contiguous();
    dx.add(0, std::move(d_in));
  });
  return reduce_loss(losses, options.reduction, static_cast<double>(count));
}

/// The same with a weight for each class: loss = -sum_i weight_i t_i log softmax(x)_i. The mean is divided by what the
/// classes of the rows weigh that are not ignored.
/// Shape: as above, weight [n]
/// Errors: as above, and ShapeError when weight does not match.
/// Backward: dx = dloss * (softmax(x) sum_i weight_i t_i - weight t), 0 for ignored rows.
/// PyTorch: torch.nn.functional.cross_entropy(weight=)
template <Real T>
Tensor<T> cross_entropy(const Tensor<T>& x, const Tensor<std::int64_t>& target, const Tensor<T>& weight,
                        CrossEntropyOptions options = {}) {
  if (!weight.defined()) return cross_entropy(x, target, options);
  detail::check_smoothing(options);
  const auto rows = detail::check_classes("cross_entropy", x, target, options.ignore_index, options.class_axis);
  const Tensor<T> of_class = detail::class_weight("cross_entropy", weight, x.size(rows.axis));
  const Tensor<T> losses = detail::weighted_cross_entropy(x, rows.axis, target, {}, of_class, options);
  return reduce_loss(losses, options.reduction, detail::weight_of_rows(of_class, target, options.ignore_index));
}

/// The same with probabilities t for a target, of mixed or uncertain classes, which need not sum to 1; ignore_index is
/// not used. The mean is over all rows, weighted or not.
/// Shape: x and target alike, with the axis of the n classes, weight [n] -> [], or x without that axis for reduction
/// none.
/// Errors: ShapeError when they do not match, IndexError for a wrong class_axis, Error for a smoothing outside [0, 1].
/// Backward: as above, and dtarget = -dloss * (1 - smoothing) weight log softmax(x).
/// PyTorch: torch.nn.functional.cross_entropy
template <Real T>
Tensor<T> cross_entropy(const Tensor<T>& x, const Tensor<T>& target, const Tensor<T>& weight,
                        CrossEntropyOptions options = {}) {
  detail::check_smoothing(options);
  if (target.shape() != x.shape())
    fail<ShapeError>("cross_entropy: probabilities ", target.shape(), " do not have the shape of x ", x.shape(),
                     "; classes are int64");
  const int axis = detail::class_axis("cross_entropy", x, options.class_axis);
  const Index n = x.size(axis);
  const Tensor<T> of_class = weight.defined() ? detail::class_weight("cross_entropy", weight, n) : ones<T>({n});
  const Tensor<T> losses = detail::weighted_cross_entropy(x, axis, {}, target, of_class, options);
  return reduce_loss(losses, options.reduction, static_cast<double>(losses.numel()));
}
template <Real T>
Tensor<T> cross_entropy(const Tensor<T>& x, const Tensor<T>& target, CrossEntropyOptions options = {}) {
  return cross_entropy(x, target, Tensor<T>{}, options);
}

GLOSS_INSTANTIATE(Tensor<float> cross_entropy(const Tensor<float>&, const Tensor<std::int64_t>&, CrossEntropyOptions))
GLOSS_INSTANTIATE(Tensor<double> cross_entropy(const Tensor<double>&, const Tensor<std::int64_t>&, CrossEntropyOptions))

}  // namespace gloss::inline GLOSS_ABI
