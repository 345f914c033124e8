// Walking along the columns of matrices, whose neighbours are the lanes of vectors.
#pragma once

#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Some vectors side by side: what columns next to each other have gathered.
template <class T>
struct Columns {
  static constexpr Index many = 4;
  Vec<T> v[many] = {};
};

/// f(o, c, width) for the columns of each of `outer` matrices [rows, columns], in parallel: those of matrix o from c
/// on, at most as many as Columns holds.
template <class T, class F>
GLOSS_INLINE void each_column(Index outer, Index rows, Index columns, const F& f) {
  constexpr Index l = lanes<T>, many = Columns<T>::many * l;
  const Index wide = outer * columns >= 8 * many ? many : l;  // narrow where several threads would have too few
  const Index blocks = (columns + wide - 1) / wide;
  parallel_for(outer * blocks, row_grain(rows * wide), [&](Index begin, Index end) {
    for (Index job = begin; job < end; ++job) {
      const Index c = job % blocks * wide;
      f(job / blocks, c, columns - c < wide ? columns - c : wide);
    }
  });
}
/// f(i, at, m) for vector i of `width` columns: its first is column `at`, and m are there.
template <class T, class F>
GLOSS_INLINE void each_of(Index width, F f) {
  for (Index i = 0, at = 0; at < width; ++i, at += lanes<T>) f(i, at, width - at < lanes<T> ? width - at : lanes<T>);
}
/// The sums over rows of f(row, i, at, m), 128 rows to a partial sum and 128 of those to a larger one.
template <class T, class F>
GLOSS_INLINE Columns<T> column_sums(Index rows, Index width, F f) {
  constexpr Index height = 128;
  Columns<T> total, large;
  for (Index first = 0; first < rows; first += height) {
    const Index stop = rows - first < height ? rows : first + height;
    Columns<T> part;
    for (Index r = first; r < stop; ++r)
      each_of<T>(width,
                 [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA { part.v[i] = part.v[i] + f(r, i, at, m); });
    GLOSS_UNROLL for (Index i = 0; i < Columns<T>::many; ++i) large.v[i] = large.v[i] + part.v[i];
    if (stop < rows && stop % (height * height) != 0) continue;
    GLOSS_UNROLL for (Index i = 0; i < Columns<T>::many; ++i) total.v[i] = total.v[i] + large.v[i];
    large = Columns<T>{};
  }
  return total;
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
