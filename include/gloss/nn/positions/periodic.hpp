// The fourth idea: waves in place of binary digits.
#pragma once

#include <cmath>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct PeriodicOptions {
  double ratio = 2;  ///< how many times as long each column's wave is as that of the column before
};

/// PE[p, i] = sin(p / ratio^i), the continuous counterpart of binary digits. With ratio 2 all waves begin anew after
/// 2 pi 2^(d - 1) positions, and the encoding runs in a loop; 10000^(1/d) avoids that. With sines alone no linear map
/// leads from one position to the next.
/// Shape: n, d -> [n, d]
/// Errors: ShapeError for a negative size, Error when ratio is not positive.
template <Real T>
Tensor<T> periodic_positions(Index n, Index d, PeriodicOptions options = {}) {
  if (n < 0 || d < 0) fail<ShapeError>("periodic_positions: negative size: n ", n, ", d ", d);
  if (!(options.ratio > 0)) fail("periodic_positions: ratio ", options.ratio, " is not positive");
  Tensor<T> table = empty<T>({n, d});
  for (Index i = 0; i < d; ++i) {
    const double wave = std::pow(options.ratio, static_cast<double>(i));
    for (Index p = 0; p < n; ++p) table.data()[p * d + i] = static_cast<T>(std::sin(static_cast<double>(p) / wave));
  }
  return table;
}

}  // namespace gloss::inline GLOSS_ABI::nn
