// Mean and deviation of numbers whose sum or squares leave the range of their type.
#pragma once

#include <cmath>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// The largest magnitude, and in units of it the mean and the sum of squared deviations.
struct LargeMoments {
  double unit = 0, mean = 0, square = 0;
};

/// Of `runs` runs of `size` numbers, whose beginnings stand `stride` apart; with deviations from 0 unless `centred`.
/// unit is 0 where they are not all finite, or all 0.
template <class T>
GLOSS_NOINLINE LargeMoments large_moments(const T* x, Index runs, Index size, Index stride, bool centred) {
  LargeMoments m;
  const auto each = [=](auto f) {
    for (Index r = 0; r < runs; ++r)
      for (Index i = 0; i < size; ++i) f(static_cast<double>(x[r * stride + i]));
  };
  double most = 0;
  bool finite = true;
  each([&](double v) {
    finite = finite && std::isfinite(v);
    most = std::abs(v) > most ? std::abs(v) : most;
  });
  if (!finite || most == 0) return m;
  m.unit = most;
  if (centred) each([&](double v) { m.mean += v / most; });
  m.mean /= static_cast<double>(runs * size);
  each([&](double v) { m.square += (v / most - m.mean) * (v / most - m.mean); });
  return m;
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
