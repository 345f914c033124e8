// Variance and standard deviation
#pragma once

#include <algorithm>

#include <gloss/ops/mean.hpp>
#include <gloss/ops/norm.hpp>

namespace gloss::inline GLOSS_ABI {

struct VarOptions {
  double correction = 1;  // the divisor is n - correction: 1 is the unbiased estimate, 0 the plain mean square
  bool keepdim = false;
};

/// A variance and the mean that it is about.
template <Real T>
struct VarMean {
  Tensor<T> var;
  Tensor<T> mean;
};

/// Variance and mean from the same two passes. Shape, errors and backward as for var. PyTorch: torch.var_mean
template <Real T>
VarMean<T> var_mean(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  const ReducePlan plan("var", x.shape(), axes);
  const double divisor = (std::max)(static_cast<double>(plan.count) - options.correction, 0.0);
  const Tensor<T> centre = mean(x, axes, {.keepdim = true});
  Tensor<T> y = sum(square(x.detach() - centre.detach()), axes, {.keepdim = options.keepdim}) / divisor;
  y = record("var", y, {x}, [x, axes, divisor, saved = centre.detach()](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> centred = x - (is_grad_enabled() ? mean(x, axes, {.keepdim = true}) : saved);
    dx.add(0, dy.view(saved.shape()) * (centred * (2 / divisor)));
  });
  return {y, options.keepdim ? centre : centre.view(plan.dropped)};
}

/// y = sum (x - mean)^2 / (n - correction) over axes (all by default), in two passes; NaN for 0 over 0, where n is not
/// above the correction.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy 2 (x - mean) / (n - correction); x and the mean are saved.
/// PyTorch: torch.var
template <Real T>
Tensor<T> var(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  return var_mean(x, axes, options).var;
}

/// y = sqrt(var(x)).
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: made of ops; 0 where the variance is 0.
/// PyTorch: torch.std
template <Real T>
Tensor<T> std_dev(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  const ReducePlan plan("std_dev", x.shape(), axes);  // a wrong axis is this op's mistake, not var's
  const Tensor<T> y = var(x, axes, options);
  for (Index i = 0; i < y.numel(); ++i)
    if (std::isinf(y.data()[i])) {  // the squares overflow, and the deviation does not
      const double divisor = (std::max)(static_cast<double>(plan.count) - options.correction, 0.0);
      return norm(x - mean(x, axes, {.keepdim = true}), 2, axes, {.keepdim = options.keepdim}) / std::sqrt(divisor);
    }
  return detail::root(y);
}

}  // namespace gloss::inline GLOSS_ABI
