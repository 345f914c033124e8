// Length of a vector of two
#pragma once

#include <cmath>

#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = sqrt(a^2 + b^2), without overflow on the way.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy * a / y, db = dy * b / y, summed over stretched axes; NaN at the origin.
/// PyTorch: torch.hypot
template <Real T>
Tensor<T> hypot(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("hypot", a, b, [](T p, T q) { return std::hypot(p, q); });
  return record("hypot", y, {a, b}, [a, b, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> h = dx.result(saved);
    if (dx.needs(0)) dx.add(0, sum_to(dy * (a / h), a.shape()));
    if (dx.needs(1)) dx.add(1, sum_to(dy * (b / h), b.shape()));
  });
}

}  // namespace gloss::inline GLOSS_ABI
