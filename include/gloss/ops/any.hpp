// Whether any element, or all of them, are true; how many are
#pragma once

#include <gloss/ops/compare.hpp>
#include <gloss/ops/reduce_axes.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = whether any element over axes (all by default) is not 0; false for none. NaN is not 0.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// PyTorch: torch.any
template <Element T>
Tensor<bool> any(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  if constexpr (std::same_as<T, bool>)
    return ReducePlan("any", x.shape(), axes).run(x, false, kernels::Or{}, options);
  else
    return any(map_unary<bool>(x, detail::NotZero{}), axes, options);
}
/// y = whether every element over axes is not 0; true for none. PyTorch: torch.all
template <Element T>
Tensor<bool> all(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  if constexpr (std::same_as<T, bool>)
    return ReducePlan("all", x.shape(), axes).run(x, true, kernels::And{}, options);
  else
    return all(map_unary<bool>(x, detail::NotZero{}), axes, options);
}
/// y = how many elements over axes are not 0. PyTorch: torch.count_nonzero
template <Element T>
Tensor<std::int64_t> count_nonzero(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  const ReducePlan plan("count_nonzero", x.shape(), axes);
  return plan.run(map_unary<bool>(x, detail::NotZero{}), std::int64_t{0}, kernels::Plus{}, options);
}

}  // namespace gloss::inline GLOSS_ABI
