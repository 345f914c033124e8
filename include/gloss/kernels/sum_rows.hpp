// The sum of a matrix's rows, as the gradient of a bias needs it.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// y[j] = sum over i of x[i, j]. 128 rows make a partial sum and 128 of those a larger one, in order, whatever the
/// number of threads: so a million rows keep their digits.
/// Shape: x [rows, n] without gaps, y [n].
template <class T>
GLOSS_NOINLINE void sum_rows(Index rows, Index n, const T* x, T* y) {
  constexpr Index w = lanes<T>, height = 128;
  constexpr int many = 8;  // vectors that go down the rows together
  const Index blocks = (n + many * w - 1) / (many * w);
  parallel_for(blocks, 65536 / (many * w * (rows + 1)) + 1, [&](Index begin, Index end) {
    const Index last = end * many * w < n ? end * many * w : n;
    for (Index j = begin * many * w; j < last;) {
      const bool whole = last - j >= many * w;
      const Index columns = whole ? many * w : last - j < w ? last - j : w;
      Vec<T> total[many] = {}, large[many] = {};
      for (Index row = 0; row < rows; row += height) {
        const Index stop = rows - row < height ? rows : row + height;
        Vec<T> partial[many] = {};
        const T* p = x + row * n + j;
        for (Index i = row; i < stop; ++i, p += n)
          if (whole) {
            GLOSS_UNROLL for (int v = 0; v < many; ++v) partial[v] = partial[v] + load<T>(p + v * w);
          } else {
            partial[0] = partial[0] + load_n<T>(p, columns);
          }
        GLOSS_UNROLL for (int v = 0; v < many; ++v) large[v] = large[v] + partial[v];
        if (stop < rows && stop % (height * height) != 0) continue;
        GLOSS_UNROLL for (int v = 0; v < many; ++v) {
          total[v] = total[v] + large[v];
          large[v] = Vec<T>{};
        }
      }
      if (whole) {
        GLOSS_UNROLL for (int v = 0; v < many; ++v) store<T>(y + j + v * w, total[v]);
      } else {
        store_n<T>(y + j, total[0], columns);
      }
      j += columns;
    }
  });
}

GLOSS_INSTANTIATE(void sum_rows(Index, Index, const float*, float*))
GLOSS_INSTANTIATE(void sum_rows(Index, Index, const double*, double*))

}  // namespace gloss::inline GLOSS_ABI::kernels
