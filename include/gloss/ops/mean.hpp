// Arithmetic mean
#pragma once

#include <gloss/ops/div.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = mean of x over axes (all by default); NaN for none.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy / n, stretched.
/// PyTorch: torch.mean
template <Real T>
Tensor<T> mean(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  const ReducePlan plan("mean", x.shape(), axes);
  return sum(x, axes, options) / static_cast<double>(plan.count);
}

GLOSS_INSTANTIATE(Tensor<float> mean(const Tensor<float>&, const Axes&, ReduceOptions))
GLOSS_INSTANTIATE(Tensor<double> mean(const Tensor<double>&, const Axes&, ReduceOptions))

}  // namespace gloss::inline GLOSS_ABI
