// Logarithm of a sum of exponentials
#pragma once

#include <gloss/ops/amax.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/isfinite.hpp>
#include <gloss/ops/log.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = ln sum e^x over axes (all by default), without overflow; -infinity for none.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy e^(x - y); NaN where y is infinite and x the same.
/// PyTorch: torch.logsumexp
template <Real T>
Tensor<T> logsumexp(const Tensor<T>& x, const Axes& axes = {}, ReduceOptions options = {}) {
  const ReducePlan plan("logsumexp", x.shape(), axes);
  const Tensor<T> in = x.detach();
  Tensor<T> largest = zeros<T>(plan.kept);
  if (plan.count > 0) largest = nan_to_num(amax(in, axes, {.keepdim = true}), {.posinf = 0, .neginf = 0});
  const Tensor<T> y = log(sum(exp(in - largest), axes, {.keepdim = true})) + largest;
  return record("logsumexp", y.view(plan.shape(options)), {x}, [x, axes, y](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> total = is_grad_enabled() ? logsumexp(x, axes, {.keepdim = true}) : y;
    dx.add(0, dy.view(total.shape()) * exp(x - total));
  });
}

}  // namespace gloss::inline GLOSS_ABI
