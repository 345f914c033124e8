// Inverse of the logistic function
#pragma once

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/log.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = ln(x / (1 - x)); infinite at 0 and 1, NaN beyond.
/// Backward: dx = dy / (x (1 - x)).
/// PyTorch: torch.logit
template <Real T>
Tensor<T> logit(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::log(v / (T{1} - v)); });
  return record("logit", y, {x}, [x](const Tensor<T>& dy, Grads& dx) {
    // NaN, as y is, beyond [0, 1]
    const Tensor<T> defined =
        map_unary<T>(x, [](T v) { return v >= T{0} && v <= T{1} ? T{0} : std::numeric_limits<T>::quiet_NaN(); });
    dx.add(0, dy / (x * (1 - x)) + defined);
  });
}
/// The same with x held in [eps, 1 - eps]. PyTorch: torch.logit(x, eps)
template <Real T>
Tensor<T> logit(const Tensor<T>& x, double eps) {
  return logit(clamp(x, eps, 1 - eps));
}

}  // namespace gloss::inline GLOSS_ABI
