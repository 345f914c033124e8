// Error function, its complement and its inverse
#pragma once

#include <cmath>

#include <gloss/kernels/erfinv.hpp>
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

/// y = 1 - erf x, exact to the last digits where erf x is near 1.
/// Backward: dx = -dy * 2 / sqrt(pi) * e^(-x^2).
/// PyTorch: torch.erfc
template <Real T>
Tensor<T> erfc(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::erfc(v); });
  return record("erfc", y, {x}, [x](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy * exp(-(x * x)) * -1.1283791670955125739);  // -2 / sqrt(pi)
  });
}

/// y = the number whose erf is x; infinite at -1 and 1, NaN beyond.
/// Backward: dx = dy * sqrt(pi) / 2 * e^(y^2).
/// PyTorch: torch.erfinv
template <Real T>
Tensor<T> erfinv(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return static_cast<T>(kernels::erfinv(static_cast<double>(v))); });
  return record("erfinv", y, {x}, [saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> e = dx.result(saved);
    dx.add(0, dy * exp(e * e) * 0.88622692545275801365);  // sqrt(pi) / 2
  });
}

}  // namespace gloss::inline GLOSS_ABI
