// Variance and standard deviation
#pragma once

#include <gloss/ops/mean.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/ops/sqrt.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

struct VarOptions {
  double correction = 1;  // the divisor is n - correction: 1 is the unbiased estimate, 0 the plain mean square
  bool keepdim = false;
};

/// y = sum (x - mean)^2 / (n - correction) over axes (all by default), in two passes; NaN when n <= correction is 0
/// over 0. Shape: x without the axes, or with them as 1 (keepdim). Errors: IndexError for a wrong axis. Backward: made
/// of ops. PyTorch: torch.var
template <Real T>
Tensor<T> var(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  const ReducePlan plan("var", x.shape(), axes);
  const double divisor = static_cast<double>(plan.count) - options.correction;
  const Tensor<T> centred = x - mean(x, axes, {.keepdim = true});
  return sum(pow(centred, 2), axes, {.keepdim = options.keepdim}) / (divisor > 0 ? divisor : 0.0);
}

/// y = sqrt(var(x)). The gradient is infinite or NaN where the variance is 0.
/// PyTorch: torch.std
template <Real T>
Tensor<T> std_dev(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  return sqrt(var(x, axes, options));
}

}  // namespace gloss::inline GLOSS_ABI
