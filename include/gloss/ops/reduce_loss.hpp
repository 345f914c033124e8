// The shared part of the losses: how the losses of single rows become one.
#pragma once

#include <gloss/ops/div.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

enum class LossReduction {
  none,  // a loss for each row
  mean,  // their mean; where a target can be ignored, over the rows that are not
  sum,
  batchmean,  // the sum by the size of axis 0: of kl_div alone
};

namespace detail {
/// What the sum of `count` losses is divided by; 1 where they are not reduced.
GLOSS_LAZY double loss_divisor(LossReduction reduction, double count) {
  if (reduction == LossReduction::batchmean) fail("loss: batchmean is a reduction of kl_div alone");
  return reduction == LossReduction::mean ? count : 1;
}
}  // namespace detail

/// losses summed, divided by `count`, or as they are.
template <Real T>
Tensor<T> reduce_loss(const Tensor<T>& losses, LossReduction reduction, double count) {
  const double divisor = detail::loss_divisor(reduction, count);
  if (reduction == LossReduction::none) return losses;
  const Tensor<T> total = sum(losses);
  return reduction == LossReduction::sum ? total : total / divisor;
}

namespace detail {
inline Shape without_axis(const Shape& x, int axis) {
  Shape y;
  for (int a = 0; a < x.rank(); ++a)
    if (a != axis) y.push_back(x[a]);
  return y;
}
/// x with an axis at another place and the others in their order: a view.
template <class T>
Tensor<T> move_axis(Tensor<T> x, int from, int to) {
  for (; from < to; ++from) x = x.transpose(from, from + 1);
  for (; from > to; --from) x = x.transpose(from, from - 1);
  return x;
}

/// The axis of the classes; of a single row its only one.
template <class T>
int class_axis(const char* op, const Tensor<T>& x, Index axis) {
  if (x.dim() == 0) fail<ShapeError>(op, ": a scalar has no axis of classes");
  return x.dim() == 1 && axis == 1 ? 0 : normalize_axis(op, axis, x.dim());
}

/// Which axis of x has the classes, and how many rows are not ignored.
struct ClassRows {
  int axis;
  Index count = 0;
};
/// What cross_entropy and nll_loss ask of their target.
template <class T>
ClassRows check_classes(const char* op, const Tensor<T>& x, const Tensor<std::int64_t>& target,
                        std::int64_t ignore_index, Index axis_of_classes) {
  ClassRows rows{class_axis(op, x, axis_of_classes)};
  if (target.shape() != without_axis(x.shape(), rows.axis)) {
    const bool last = rows.axis == x.dim() - 1,
               other = target.shape() == without_axis(x.shape(), last ? 1 : x.dim() - 1);
    fail<ShapeError>(op, ": target ", target.shape(), " does not match x ", x.shape(), " without axis ", rows.axis,
                     ", that of the classes", other ? "; it does with class_axis " : "",
                     other ? last ? "1" : "-1" : "");
  }
  const Tensor<std::int64_t> ids = target.contiguous();
  for (Index r = 0; r < ids.numel(); ++r) {
    const std::int64_t id = ids.data()[r];
    if (id == ignore_index) continue;
    if (id < 0 || id >= x.size(rows.axis)) fail<IndexError>(op, ": target ", id, " is out of range for x ", x.shape());
    ++rows.count;
  }
  return rows;
}
/// A weight for each class, dense.
template <class T>
Tensor<T> class_weight(const char* op, const Tensor<T>& weight, Index n) {
  if (weight.shape() != Shape{n})
    fail<ShapeError>(op, ": weight ", weight.shape(), " is not a number for each of ", n,
                     n == 1 ? " class" : " classes");
  return weight.detach().contiguous();
}
/// What the classes of the rows that are not ignored weigh together.
template <class T>
double weight_of_rows(const Tensor<T>& weight, const Tensor<std::int64_t>& target, std::int64_t ignore_index) {
  const Tensor<std::int64_t> ids = target.contiguous();
  double total = 0;
  for (Index r = 0; r < ids.numel(); ++r)
    if (ids.data()[r] != ignore_index) total += static_cast<double>(weight.data()[ids.data()[r]]);
  return total;
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI
