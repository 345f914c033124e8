// The shared part of the losses: how the losses of single rows become one.
#pragma once

#include <gloss/ops/div.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

enum class LossReduction {
  none,  // a loss for each row
  mean,  // their mean; where a target can be ignored, over the rows that are not
  sum,
};

/// losses summed, divided by `count`, or as they are.
template <Real T>
Tensor<T> reduce_loss(const Tensor<T>& losses, LossReduction reduction, Index count) {
  if (reduction == LossReduction::none) return losses;
  const Tensor<T> total = sum(losses);
  return reduction == LossReduction::sum ? total : total / static_cast<double>(count);
}

namespace detail {
/// What cross_entropy and nll_loss ask of their target; returns how many rows are not ignored.
template <class T>
Index check_classes(const char* op, const Tensor<T>& x, const Tensor<std::int64_t>& target, std::int64_t ignore_index) {
  if (x.dim() == 0) fail<ShapeError>(op, ": a scalar has no axis of classes");
  Shape rows;
  for (int axis = 0; axis + 1 < x.dim(); ++axis) rows.push_back(x.shape()[axis]);
  if (target.shape() != rows)
    fail<ShapeError>(op, ": target ", target.shape(), " does not match x ", x.shape(), " without its last axis");
  const Tensor<std::int64_t> ids = target.contiguous();
  Index count = 0;
  for (Index r = 0; r < ids.numel(); ++r) {
    const std::int64_t id = ids.data()[r];
    if (id == ignore_index) continue;
    if (id < 0 || id >= x.size(-1)) fail<IndexError>(op, ": target ", id, " is out of range for x ", x.shape());
    ++count;
  }
  return count;
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI
