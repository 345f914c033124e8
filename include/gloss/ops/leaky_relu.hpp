// Rectifiers with something left below 0, and with a ceiling
#pragma once

#include <gloss/kernels/rectifiers.hpp>
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
  return map_smooth(
      "leaky_relu", x, [s](const T* in, T* y, Index n) { kernels::leaky_relu_forward(in, y, n, s); },
      [s](const T* in, const T* dy, T* dx, Index n) { kernels::leaky_relu_backward(in, dy, dx, n, s); },
      [s](const Tensor<T>& v) { return map_unary<T>(v, [s](T u) { return u > T{0} ? T{1} : s; }); });
}

namespace detail {
/// y = above x over 0, below (e^(inner x) - 1) elsewhere.
template <class T>
Tensor<T> exponential_rectifier(const char* op, const Tensor<T>& x, double above, double below, double inner) {
  const T a = static_cast<T>(above), b = static_cast<T>(below), c = static_cast<T>(inner);
  return map_smooth(
      op, x, [=](const T* in, T* y, Index n) { kernels::elu_forward(in, y, n, a, b, c); },
      [=](const T* in, const T* dy, T* dx, Index n) { kernels::elu_backward(in, dy, dx, n, a, b, c); },
      [=](const Tensor<T>& v) {
        const Tensor<bool> positive = v > 0;
        const Tensor<T> e = exp(where(positive, scalar<T>(0), v) * inner);  // which would overflow above
        return where(positive, scalar<T>(a), e * (below * inner));
      });
}
}  // namespace detail

/// y = x above 0, alpha (e^x - 1) below.
/// Backward: dx = dy, times alpha e^x where x <= 0.
/// Source: Clevert, Unterthiner and Hochreiter 2015.
/// PyTorch: torch.nn.functional.elu
template <Real T>
Tensor<T> elu(const Tensor<T>& x, double alpha = 1) {
  return detail::exponential_rectifier("elu", x, 1, alpha, 1);
}

/// y = x above 0, alpha (e^(x / alpha) - 1) below: elu with a slope of 1 at 0 for every alpha.
/// Errors: Error when alpha is 0.
/// Backward: dx = dy, times e^(x / alpha) where x <= 0.
/// Source: Barron 2017.
/// PyTorch: torch.nn.functional.celu
template <Real T>
Tensor<T> celu(const Tensor<T>& x, double alpha = 1) {
  if (alpha == 0) fail("celu: alpha is 0");
  return detail::exponential_rectifier("celu", x, 1, alpha, 1 / alpha);
}

/// y = scale x above 0, scale alpha (e^x - 1) below, with the two numbers that keep mean 0 and variance 1.
/// Backward: dx = dy scale, times alpha e^x where x <= 0.
/// Source: Klambauer et al. 2017.
/// PyTorch: torch.nn.functional.selu
template <Real T>
Tensor<T> selu(const Tensor<T>& x) {
  constexpr double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;
  return detail::exponential_rectifier("selu", x, scale, scale * alpha, 1);
}

/// y = -1 below -1, 1 above 1, else x; with other bounds likewise. NaN stays NaN.
/// Errors: Error when low is above high, or NaN is given.
/// Backward: dx = 0 at the bounds and beyond, else dy, at NaN too.
/// PyTorch: torch.nn.functional.hardtanh; relu6 is hardtanh(x, 0, 6)
template <Real T>
Tensor<T> hardtanh(const Tensor<T>& x, Scalar<T> low = -1, Scalar<T> high = 1) {
  if (!(low <= high)) fail("hardtanh: from ", low, " to ", high, " is no range");
  const T lo = static_cast<T>(low), hi = static_cast<T>(high);
  return map_smooth(
      "hardtanh", x, [=](const T* in, T* y, Index n) { kernels::hardtanh_forward(in, y, n, lo, hi); },
      [=](const T* in, const T* dy, T* dx, Index n) { kernels::hardtanh_backward(in, dy, dx, n, lo, hi); },
      [=](const Tensor<T>& v) { return map_unary<T>(v, [=](T u) { return static_cast<T>(!(u <= lo || u >= hi)); }); });
}

}  // namespace gloss::inline GLOSS_ABI
