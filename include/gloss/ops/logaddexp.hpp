// Sum of two numbers given by their logarithms
#pragma once

#include <cmath>

#include <gloss/ops/sigmoid.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = ln(e^a + e^b), without overflow.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy sigmoid(a - b), db = dy sigmoid(b - a), summed over stretched axes; NaN between equal infinities.
/// PyTorch: torch.logaddexp
template <Real T>
Tensor<T> logaddexp(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("logaddexp", a, b, [](T p, T q) {
    if (std::isinf(p) && p == q) return p;
    return (p > q || p != p ? p : q) + std::log1p(std::exp(-std::abs(p - q)));
  });
  return record("logaddexp", y, {a, b}, [a, b](const Tensor<T>& dy, Grads& dx) {
    // each by a sigmoid of its own: 1 - sigmoid(a - b) would lose every digit of a small share
    if (dx.needs(0)) dx.add(0, sum_to(dy * sigmoid(a - b), a.shape()));
    if (dx.needs(1)) dx.add(1, sum_to(dy * sigmoid(b - a), b.shape()));
  });
}

}  // namespace gloss::inline GLOSS_ABI
