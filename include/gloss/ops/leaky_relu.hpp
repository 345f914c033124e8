// Rectifiers with something left below 0, and with a ceiling
#pragma once

#include <cmath>

#include <gloss/ops/compare.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x above 0, slope x below.
/// Backward: dx = dy, times slope where x <= 0.
/// PyTorch: torch.nn.functional.leaky_relu
template <Real T>
Tensor<T> leaky_relu(const Tensor<T>& x, double slope = 0.01) {
  const T s = static_cast<T>(slope);
  Tensor<T> y = map_unary<T>(x, [s](T v) { return v > T{0} ? v : v * s; });
  return record("leaky_relu", y, {x}, [x, s](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy * map_unary<T>(x, [s](T v) { return v > T{0} ? T{1} : s; }));
  });
}

/// y = x above 0, alpha (e^x - 1) below.
/// Backward: dx = dy, times alpha e^x where x <= 0.
/// Source: Clevert, Unterthiner and Hochreiter 2015.
/// PyTorch: torch.nn.functional.elu
template <Real T>
Tensor<T> elu(const Tensor<T>& x, double alpha = 1) {
  const T a = static_cast<T>(alpha);
  Tensor<T> y = map_unary<T>(x, [a](T v) { return v > T{0} ? v : a * std::expm1(v); });
  return record("elu", y, {x}, [x, a](const Tensor<T>& dy, Grads& dx) {
    const Tensor<bool> above = x > 0;
    const Tensor<T> e = exp(where(above, scalar<T>(0), x));  // which would overflow above
    dx.add(0, dy * where(above, scalar<T>(1), e * static_cast<double>(a)));
  });
}

/// y = -1 below -1, 1 above 1, else x; with other bounds likewise. NaN stays NaN.
/// Backward: dx = dy strictly between the bounds, else 0.
/// PyTorch: torch.nn.functional.hardtanh; relu6 is hardtanh(x, 0, 6)
template <Real T>
Tensor<T> hardtanh(const Tensor<T>& x, Scalar<T> low = -1, Scalar<T> high = 1) {
  const T lo = static_cast<T>(low), hi = static_cast<T>(high);
  Tensor<T> y = map_unary<T>(x, [lo, hi](T v) { return v < lo ? lo : v > hi ? hi : v; });
  return record("hardtanh", y, {x}, [x, lo, hi](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy * map_unary<T>(x, [lo, hi](T v) { return static_cast<T>(v > lo && v < hi); }));
  });
}

}  // namespace gloss::inline GLOSS_ABI
