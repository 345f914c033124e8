// Square root
#pragma once

#include <cmath>
#include <limits>

#include <gloss/ops/add.hpp>
#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x^(1/2); NaN below 0.
/// Backward: dx = dy / (2 y); infinite at 0; y is saved.
/// PyTorch: torch.sqrt
template <Real T>
Tensor<T> sqrt(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::sqrt(v); });
  return record("sqrt", y, {x},
                [saved = y.detach()](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / (dx.result(saved) * 2)); });
}

/// y = 1 / sqrt(x); infinite at 0, NaN below.
/// Backward: dx = -dy y^3 / 2.
/// PyTorch: torch.rsqrt
template <Real T>
Tensor<T> rsqrt(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return T{1} / std::sqrt(v); });
  return record("rsqrt", y, {x}, [saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> r = dx.result(saved);
    dx.add(0, dy * (r * r * r) * -0.5);
  });
}

namespace detail {
/// sqrt(x) with a gradient of 0, and not infinity, where x is 0: for norms and deviations.
template <class T>
Tensor<T> root(const Tensor<T>& x) {
  Tensor<T> y = sqrt(x.detach());
  return record("sqrt", y, {x}, [saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    // infinity there makes the slope 1 / (2 y) zero
    const Tensor<T> edge =
        map_unary<T>(saved, [](T v) { return v == T{0} ? std::numeric_limits<T>::infinity() : T{0}; });
    dx.add(0, dy / ((dx.result(saved) + edge) * 2));
  });
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI
