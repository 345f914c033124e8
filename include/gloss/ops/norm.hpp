// Norms of vectors
#pragma once

#include <gloss/ops/abs.hpp>
#include <gloss/ops/amax.hpp>
#include <gloss/ops/any.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = (sum |x|^p)^(1/p) over axes (all by default). p = 2 is the Euclidean length, p = infinity the largest |x|,
/// p = -infinity the smallest, p = 0 counts what is not 0.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis, ShapeError when an infinite or negative p finds no element.
/// Backward: dx = dy sign(x) (|x| / y)^(p - 1); 0 where x is 0; for an infinite p shared evenly among equals.
/// PyTorch: torch.linalg.vector_norm, torch.norm
template <Real T>
Tensor<T> norm(const Tensor<T>& x, double p = 2, const Axes& axes = {}, ReduceOptions options = {}) {
  const ReducePlan plan("norm", x.shape(), axes);
  if (std::isinf(p) || p < 0) plan.require_elements("norm", x.shape());
  if (p == 2) return detail::root(sum(square(x), axes, options));
  if (p == 1) return sum(abs(x), axes, options);
  if (p == 0) return cast<T>(count_nonzero(x, axes, options));
  if (std::isinf(p)) return p > 0 ? amax(abs(x), axes, options) : amin(abs(x), axes, options);
  // 0 has no slope of its own: it is a constant of the sum, so that 0^(p - 1) is never met on the way back
  const Tensor<bool> at_zero = x == 0;
  const Tensor<T> size = abs(where(at_zero, scalar<T>(1), x));
  const Tensor<T> total =
      sum(where(at_zero, scalar<T>(p > 0 ? T{0} : detail::highest<T>()), pow(size, p)), axes, options);
  const Tensor<bool> none = total == 0;
  return where(none, scalar<T>(0), pow(where(none, scalar<T>(1), total), 1 / p));
}

}  // namespace gloss::inline GLOSS_ABI
