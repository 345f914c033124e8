// Products of few rows with a transposed factor, as when decoding: dot products straight from memory, nothing packed.
#pragma once

#include <gloss/kernels/gemm_pack.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// C element (i, j) at c[i * c_row + j * c_column] from rows of x and rows of y, both contiguous along k.
/// The last lanes / rows columns may be beyond y's end: `columns` of them are real.
template <class T, int rows>
GLOSS_NOINLINE void dot_tile(Index k, Index columns, const T* x, Index ldx, const T* y, Index ldy, T alpha, T beta,
                             T* c, Index c_row, Index c_column, const T* bias, Index bias_row, Index bias_column,
                             bool relu) {
  constexpr Index w = lanes<T>;
  constexpr int many = static_cast<int>(w) / rows;
  Vec<T> sum[w] = {};
  const T* y_row[many];
  for (int j = 0; j < many; ++j) y_row[j] = y + (j < columns ? j : columns - 1) * ldy;
  Index p = 0;
  for (; p + w <= k; p += w) {
    Vec<T> xs[rows];
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) xs[i] = load<T>(x + i * ldx + p);
    GLOSS_UNROLL for (int j = 0; j < many; ++j) {
      const Vec<T> ys = load<T>(y_row[j] + p);
      GLOSS_UNROLL for (int i = 0; i < rows; ++i) sum[i * many + j] = xs[i] * ys + sum[i * many + j];
    }
  }
  if (p < k) {
    GLOSS_UNROLL for (int j = 0; j < many; ++j) {
      const Vec<T> ys = load_partial<T>(y_row[j] + p, k - p);
      GLOSS_UNROLL for (int i = 0; i < rows; ++i) sum[i * many + j] =
          load_partial<T>(x + i * ldx + p, k - p) * ys + sum[i * many + j];
    }
  }
  T total[w];
  store<T>(total, sum_rows<T>(sum) * splat<T>(alpha));
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < many && j < columns; ++j) {
      T& out = c[i * c_row + j * c_column];
      T value = total[i * many + j];
      if (beta != T(0)) value += beta * out;
      if (bias != nullptr) value += bias[i * bias_row + j * bias_column];
      if (relu && value < T(0)) value = T(0);
      out = value;
    }
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
