// The paper's encoding: a sine and a cosine for each wavelength, so that a shift is a rotation.
#pragma once

#include <cmath>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct SinusoidalOptions {
  double base = 10000;      ///< the longest wave is almost 2 pi base positions
  bool interleaved = true;  ///< sine and cosine side by side, as in the paper; false: all sines, then all cosines
  Index first = 0;          ///< the position in the first row
  Index step = 1;           ///< from one row to the next; -1 counts down
  double scaling = 1;       ///< positions are divided by it
};

/// With w_i = base^(-2i/d): PE[p, 2i] = sin(w_i p), PE[p, 2i + 1] = cos(w_i p), or sin in the first half of the columns
/// and cos in the second. Angles are computed in double and the results rounded once. An odd d lacks the last cosine.
/// Shape: n, d -> [n, d]
/// Errors: ShapeError for a negative size, Error when base or scaling is not positive.
/// Source: Vaswani et al. 2017, 3.5. AT: the table of PositionalEncoding
/// PyTorch: none; not interleaved, Transformer-XL's PositionalEmbedding and fairseq's SinusoidalPositionalEmbedding
template <Real T>
GLOSS_COLD Tensor<T> sinusoidal_positions(Index n, Index d, SinusoidalOptions options = {}) {
  if (n < 0 || d < 0) fail<ShapeError>("sinusoidal_positions: negative size: n ", n, ", d ", d);
  if (!(options.base > 0)) fail("sinusoidal_positions: base ", options.base, " is not positive");
  if (!(options.scaling > 0)) fail("sinusoidal_positions: scaling ", options.scaling, " is not positive");
  Tensor<T> table = empty<T>({n, d});
  const Index waves = (d + 1) / 2, apart = options.interleaved ? 1 : waves;  // apart: from a sine to its cosine
  for (Index i = 0; i < waves; ++i) {
    const double rate =
        std::exp(-static_cast<double>(2 * i) * std::log(options.base) / static_cast<double>(d)) / options.scaling;
    T* column = table.data() + (options.interleaved ? 2 * i : i);
    const bool has_cosine = 2 * i + 1 < d;
    for (Index row = 0; row < n; ++row, column += d) {
      const double angle = static_cast<double>(options.first + row * options.step) * rate;
      column[0] = static_cast<T>(std::sin(angle));
      if (has_cosine) column[apart] = static_cast<T>(std::cos(angle));
    }
  }
  return table;
}

/// The matrix M of a shift by `delta` positions, the same at every position: PE[p + delta] = M PE[p] for the
/// interleaved table. It turns each pair (sin, cos) by the angle w_i delta: rows (cos, sin), (-sin, cos) of it on the
/// diagonal.
/// Shape: d -> [d, d]
/// Errors: ShapeError when d is negative or odd, Error when base is not positive.
template <Real T>
Tensor<T> sinusoidal_shift(Index d, double delta, double base = 10000) {
  if (d < 0 || d % 2 != 0) fail<ShapeError>("sinusoidal_shift: d ", d, " is not made of pairs");
  if (!(base > 0)) fail("sinusoidal_shift: base ", base, " is not positive");
  Tensor<T> m = zeros<T>({d, d});
  for (Index i = 0; i < d; i += 2) {
    const double angle = delta * std::exp(-static_cast<double>(i) * std::log(base) / static_cast<double>(d));
    m.at({i, i}) = m.at({i + 1, i + 1}) = static_cast<T>(std::cos(angle));
    m.at({i, i + 1}) = static_cast<T>(std::sin(angle));
    m.at({i + 1, i}) = static_cast<T>(-std::sin(angle));
  }
  return m;
}

}  // namespace gloss::inline GLOSS_ABI::nn
