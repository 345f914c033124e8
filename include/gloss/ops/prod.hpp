// Product
#pragma once

#include <gloss/ops/any.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
// For each element along the last axis the product of the others, in ceil(log2 n) steps forward and as many backward,
// all made of ops.
template <class T>
Tensor<T> product_of_others(const Tensor<T>& x) {
  const Index n = x.size(-1);
  Shape edge = x.shape();
  edge[edge.rank() - 1] = 1;
  const Tensor<T> one = ones<T>(edge);
  Tensor<T> before = cat(std::vector{one, x.narrow(-1, 0, n - 1)}, -1);
  Tensor<T> after = cat(std::vector{x.narrow(-1, 1, n - 1), one}, -1);
  for (Index step = 1; step < n; step *= 2) {
    before =
        cat(std::vector{before.narrow(-1, 0, step), before.narrow(-1, step, n - step) * before.narrow(-1, 0, n - step)},
            -1);
    after = cat(
        std::vector{after.narrow(-1, 0, n - step) * after.narrow(-1, step, n - step), after.narrow(-1, n - step, step)},
        -1);
  }
  return before * after;
}

template <class T>
Tensor<Total<T>> prod_rows(const Tensor<T>& x, const Shape& shape) {
  const ReducePlan plan("prod", x.shape(), -1);
  Tensor<Total<T>> y = plan.run(x, Total<T>(1), kernels::Times{}, {}).view(shape);
  if constexpr (Real<T>)
    return record("prod", y, {x}, [x, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
      Shape kept = x.shape();
      kept[kept.rank() - 1] = 1;
      const Tensor<T> g = dy.reshape(kept);
      if (all(x).item())
        dx.add(0, g * (is_grad_enabled() ? prod_rows(x, kept) : saved.view(kept)) / x);
      else
        dx.add(0, g * product_of_others(x));
    });
  return y;
}
}  // namespace detail

/// y = product of x over axes (all by default); 1 for none. Whole numbers and booleans are multiplied in int64.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy times the product of the other elements, right at zeros too.
/// PyTorch: torch.prod
template <Summable T>
Tensor<Total<T>> prod(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  const ReducePlan plan("prod", x.shape(), axes);
  Shape order, rows;  // reduced axes last, as one
  for (int axis = 0; axis < x.dim(); ++axis)
    if (!plan.is_reduced[axis]) order.push_back(axis), rows.push_back(x.shape()[axis]);
  for (int axis = 0; axis < x.dim(); ++axis)
    if (plan.is_reduced[axis]) order.push_back(axis);
  rows.push_back(plan.count);
  return detail::prod_rows(x.permute(order).reshape(rows), plan.shape(options));
}

}  // namespace gloss::inline GLOSS_ABI
