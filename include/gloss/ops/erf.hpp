// Error function
#pragma once

#include <cmath>

#include <gloss/ops/exp.hpp>
#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = erf x.
/// Backward: dx = dy * 2 / sqrt(pi) * e^(-x^2).
/// PyTorch: torch.erf
template <Real T>
Tensor<T> erf(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::erf(v); });
  return record("erf", y, {x}, [x](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy * exp(-(x * x)) * 1.1283791670955125739);  // 2 / sqrt(pi)
  });
}

}  // namespace gloss::inline GLOSS_ABI
