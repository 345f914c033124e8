// Variance and standard deviation
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <gloss/ops/mean.hpp>
#include <gloss/ops/norm.hpp>
#include <gloss/ops/sub.hpp>

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

namespace detail {
/// Mean and variance over axes, which stay with size 1, in double all the way: a mean rounded to float would add the
/// square of its error to the variance, and the squares of small or large numbers leave float.
struct Spread {
  Tensor<double> mean, var;
  double divisor;

  template <class T>
  Spread(const char* op, const Tensor<T>& x, const Axes& axes, double correction) {
    const ReducePlan plan(op, x.shape(), axes);
    const double count = static_cast<double>(plan.count);
    divisor = (std::max)(count - correction, 0.0);
    mean = over(plan.run(x, 0.0, kernels::Plus{}, {.keepdim = true}), count);
    const auto square = [centre = mean.data()](T v, Index output) {
      const double d = static_cast<double>(v) - centre[output];
      return d * d;
    };
    var = over(plan.run(x, 0.0, kernels::Plus{}, {.keepdim = true}, square), divisor);
  }

  /// x - mean; where that is recorded the mean is x's, too.
  template <class T>
  Tensor<T> centred(const Tensor<T>& x, const Axes& axes) const {
    if (is_grad_enabled()) return x - gloss::mean(x, axes, {.keepdim = true});
    return map_binary<T>("var", x, mean,
                         [](T v, double centre) { return static_cast<T>(static_cast<double>(v) - centre); });
  }

 private:
  static Tensor<double> over(const Tensor<double>& x, double divisor) {
    return map_unary<double>(x, [divisor](double v) { return v / divisor; });
  }
};
}  // namespace detail

/// y = sum (x - mean)^2 / (n - correction) over axes (all by default), in two passes; NaN for 0 over 0, where n is not
/// above the correction.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy 2 (x - mean) / (n - correction); x and the mean are saved.
/// PyTorch: torch.var
template <Real T>
Tensor<T> var(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  const detail::Spread found("var", x, axes, options.correction);
  const Tensor<T> y = map_unary<T>(found.var, [](double v) { return static_cast<T>(v); });
  return record("var", y.view(ReducePlan("var", x.shape(), axes).shape({options.keepdim})), {x},
                [x, axes, found](const Tensor<T>& dy, Grads& dx) {
                  dx.add(0, dy.view(found.mean.shape()) * (found.centred(x, axes) * (2 / found.divisor)));
                });
}

/// Variance and mean. Shape, errors and backward as for var. PyTorch: torch.var_mean
template <Real T>
VarMean<T> var_mean(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  return {var(x, axes, options), mean(x, axes, {.keepdim = options.keepdim})};
}

/// y = sqrt(var(x)).
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy (x - mean) / (y (n - correction)), 0 where y is 0; x, y and the mean are saved.
/// PyTorch: torch.std
template <Real T>
Tensor<T> std_dev(const Tensor<T>& x, const Axes& axes = {}, VarOptions options = {}) {
  const detail::Spread found("std_dev", x, axes, options.correction);
  for (Index i = 0; i < found.var.numel(); ++i)
    if (std::isinf(found.var.data()[i]))  // the squares overflow double, and the deviation does not
      return norm(x - mean(x, axes, {.keepdim = true}), 2, axes, {.keepdim = options.keepdim}) /
             std::sqrt(found.divisor);
  const Tensor<T> y = map_unary<T>(found.var, [](double v) {
                        return static_cast<T>(std::sqrt(v));
                      }).view(ReducePlan("std_dev", x.shape(), axes).shape({options.keepdim}));
  return record("std_dev", y, {x}, [x, axes, found, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    // infinity where y is 0 makes the slope zero
    const Tensor<T> edge =
        map_unary<T>(saved, [](T v) { return v == T{0} ? std::numeric_limits<T>::infinity() : T{0}; });
    const Tensor<T> root = (dx.result(saved) + edge).view(found.mean.shape());
    dx.add(0, dy.view(found.mean.shape()) * (found.centred(x, axes) / root / found.divisor));
  });
}

}  // namespace gloss::inline GLOSS_ABI
