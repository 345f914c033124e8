// The inverse of the error function, and with it of the normal distribution.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// The y with erf y = x. A closed formula that is right to 2e-3 (Winitzki 2008), then two steps of Halley's method,
/// each of which triples the number of good digits. Next to 1 the residual is a difference of erfc, which keeps its
/// digits.
GLOSS_NOINLINE inline double erfinv(double x) {
  const double a = std::abs(x);
  if (!(a < 1)) return a == 1 ? std::copysign(std::numeric_limits<double>::infinity(), x) : std::nan("");
  const double k = 0.147, l = std::log((1 - a) * (1 + a)), t = 2 / (std::numbers::pi * k) + l / 2;
  double y = std::sqrt(std::sqrt(t * t - l / k) - t);
  for (int step = 0; step < 2; ++step) {
    const double residual = a < 0.5 ? std::erf(y) - a : (1 - a) - std::erfc(y);
    const double u = residual / (2 * std::numbers::inv_sqrtpi * std::exp(-y * y));
    y -= u / (1 + y * u);
  }
  return std::copysign(y, x);
}

}  // namespace gloss::inline GLOSS_ABI::kernels
