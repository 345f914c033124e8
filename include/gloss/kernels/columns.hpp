// Walking along the columns of matrices, whose neighbours are the lanes of vectors.
#pragma once

#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// f.template operator()<k>(o, c, m) for the columns of each of `outer` matrices [rows, columns], in parallel: k
/// vectors of matrix o from column c on, of m lanes each.
template <class T, class F>
GLOSS_INLINE void each_column(Index outer, Index rows, Index columns, const F& f) {
  constexpr Index l = lanes<T>, many = 4;
  const Index wide = outer * columns >= 8 * many * l ? many * l : l;  // narrow where several threads would have too few
  const Index blocks = (columns + wide - 1) / wide;
  parallel_for(outer * blocks, row_grain(rows * wide), [&](Index begin, Index end) {
    for (Index job = begin; job < end; ++job) {
      const Index o = job / blocks, last = (job % blocks + 1) * wide < columns ? (job % blocks + 1) * wide : columns;
      Index c = job % blocks * wide;
      if (last - c == many * l) {
        f.template operator()<many>(o, c, l);
        continue;
      }
      for (; c < last; c += l) f.template operator()<1>(o, c, last - c < l ? last - c : l);
    }
  });
}
/// k vectors side by side, one for each l-th channel.
template <class T, Index k>
struct Columns {
  Vec<T> v[k] = {};
};
template <class T, Index k, class F>
GLOSS_INLINE Columns<T, k> columns(F f) {
  Columns<T, k> out;
  GLOSS_UNROLL for (Index i = 0; i < k; ++i) out.v[i] = f(i);
  return out;
}
/// The sums over rows of f(row, i), 128 rows to a partial sum.
template <class T, Index k, class F>
GLOSS_INLINE Columns<T, k> column_sums(Index rows, F f) {
  Columns<T, k> total;
  for (Index first = 0; first < rows; first += 128) {
    Columns<T, k> part;
    for (Index r = first; r < rows && r < first + 128; ++r)
      GLOSS_UNROLL for (Index i = 0; i < k; ++i) part.v[i] = part.v[i] + f(r, i);
    GLOSS_UNROLL for (Index i = 0; i < k; ++i) total.v[i] = total.v[i] + part.v[i];
  }
  return total;
}
}  // namespace gloss::inline GLOSS_ABI::kernels::detail
