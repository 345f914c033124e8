// Sum
#pragma once

#include <gloss/ops/reduce_axes.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = sum of x over axes (all by default); 0 for none. Whole numbers and booleans are summed in int64.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy, stretched.
/// PyTorch: torch.sum
template <Summable T>
Tensor<Total<T>> sum(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  const ReducePlan plan("sum", x.shape(), axes);
  Tensor<Total<T>> y = plan.run(x, Total<T>{}, kernels::Plus{}, options);
  if constexpr (Real<T>)
    return record("sum", y, {x}, [kept = plan.kept, from = x.shape()](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, dy.view(kept).expand(from));
    });
  return y;
}

GLOSS_INSTANTIATE(Tensor<std::int64_t> sum(const Tensor<std::int64_t>&, const Axes&, ReduceOptions))
GLOSS_INSTANTIATE(Tensor<float> sum(const Tensor<float>&, const Axes&, ReduceOptions))
GLOSS_INSTANTIATE(Tensor<double> sum(const Tensor<double>&, const Axes&, ReduceOptions))

}  // namespace gloss::inline GLOSS_ABI
