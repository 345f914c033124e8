// Copies of the factors of a matrix product, in the order in which the tiles read them.
#pragma once

#include <gloss/kernels/gemm/kernels.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// A panel of op(B) = B: rows [0, k), `columns` of them real, zeros up to `width`. out [k, width].
template <class T>
void pack_rows(Index k, Index columns, Index width, const T* b, Index ldb, T* out) {
  const std::size_t real = static_cast<std::size_t>(columns) * sizeof(T);
  const std::size_t rest = static_cast<std::size_t>(width - columns) * sizeof(T);
  for (Index p = 0; p < k; ++p, b += ldb, out += width) {
    std::memcpy(out, b, real);
    if (rest > 0) std::memset(out + columns, 0, rest);
  }
}

/// A panel of op(B) = B^T: `columns` rows of B, each k long, become columns; zeros up to `width`. Meanwhile those that
/// follow in this panel and in the next one are fetched, of which there are `more`. out [k, width].
template <class T>
void pack_columns(const GemmKernels<T>& kernels, Index k, Index columns, Index width, const T* b, Index ldb, T* out,
                  Index more = 0) {
  const Index w = kernels.lanes;
  for (Index j = 0; j < width; j += w) {
    const T* source = b + j * ldb;
    const Index real = columns - j < w ? columns - j : w;
    const Index ahead = j + 2 * w <= columns + more ? w : 0;
    Index p = 0;
    if (real == w && k >= w)
      for (; p < k; p += w) {
        if (k - p < w) p = k - w;  // some of them once more
        for (Index r = 0; r < ahead; ++r) GLOSS_PREFETCH(source + (w + r) * ldb + p, 0, 2);
        kernels.turn(source + p, ldb, out + p * width + j, width);
      }
    for (; p < k; ++p)
      for (Index r = 0; r < w; ++r) out[p * width + j + r] = r < real ? source[r * ldb + p] : T(0);
  }
}

/// The way back: b [columns, k], rows ldb apart, from in [k, width].
template <class T>
void unpack_columns(const GemmKernels<T>& kernels, Index k, Index columns, const T* in, Index width, T* b, Index ldb) {
  const Index w = kernels.lanes;
  for (Index j = 0; j < columns; j += w) {
    T* const to = b + j * ldb;
    const Index real = columns - j < w ? columns - j : w;
    Index p = 0;
    if (real == w && k >= w)
      for (; p < k; p += w) {
        if (k - p < w) p = k - w;
        kernels.turn(in + p * width + j, width, to + p, ldb);
      }
    for (; p < k; ++p)
      for (Index r = 0; r < real; ++r) to[r * ldb + p] = in[p * width + j + r];
  }
}

/// From one packed tile of A to the next: a whole number of vectors and not a multiple of a page, whose lines would all
/// compete for the same places in the cache.
template <class T>
constexpr Index packed_tile_size(Index k) {
  constexpr Index line = 64 / static_cast<Index>(sizeof(T));
  return ((k * tile_rows + line - 1) / line | 1) * line;
}

/// Tiles of op(A) = A^T: tile t, rows [6 t, 6 t + 6), becomes out + t * packed_tile_size, [k, 6]. `rows`: A's columns.
template <class T>
void pack_tiles(Index k, Index rows, const T* a, Index lda, T* out) {
  const Index whole = rows / tile_rows;
  const Index size = packed_tile_size<T>(k);
  constexpr Index group = 64;  // tiles whose rows are read together, to use each cache line while it is here
  for (Index first = 0; first < whole; first += group) {
    const Index last = first + group < whole ? first + group : whole;
    for (Index p = 0; p < k; ++p)
      for (Index t = first; t < last; ++t)
        std::memcpy(out + t * size + p * tile_rows, a + p * lda + t * tile_rows, tile_rows * sizeof(T));
  }
  const Index rest = rows - whole * tile_rows;
  if (rest > 0)
    for (Index p = 0; p < k; ++p)
      for (Index i = 0; i < rest; ++i) out[whole * size + p * tile_rows + i] = a[p * lda + whole * tile_rows + i];
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
