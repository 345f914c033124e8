// Copies of the factors of a matrix product, in the order in which the tiles read them.
#pragma once

#include <new>

#include <gloss/kernels/gemm_tile.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Scratch memory that grows and is kept: no allocation after the first use.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { release(); }

  /// `count` elements, aligned to 64 bytes; what they held before is lost.
  template <class T>
  T* get(Index count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > capacity_) {
      release();
      data_ = ::operator new(bytes, alignment);
      capacity_ = bytes;
    }
    return static_cast<T*>(data_);
  }

 private:
  static constexpr std::align_val_t alignment{64};
  void release() {
    if (data_ != nullptr) ::operator delete(data_, alignment);
    data_ = nullptr;
    capacity_ = 0;
  }
  void* data_ = nullptr;
  std::size_t capacity_ = 0;
};

/// This thread's own: one for a panel of B, one for A.
template <int slot>
Workspace& workspace() {
  thread_local Workspace space;
  return space;
}

/// x0 y0 x1 y1 ... of the lower halves, or of the upper ones.
template <class T, bool upper, std::size_t... i>
GLOSS_INLINE Vec<T> interleave(Vec<T> x, Vec<T> y, std::index_sequence<i...>) {
  constexpr std::size_t w = sizeof...(i);
  return __builtin_shufflevector(x, y, static_cast<int>((upper ? w / 2 : 0) + i / 2 + i % 2 * w)...);
}
template <class T, bool upper>
GLOSS_INLINE Vec<T> interleave(Vec<T> x, Vec<T> y) {
  return interleave<T, upper>(x, y, std::make_index_sequence<lanes<T>>());
}

/// Turns a square of vectors on its diagonal. Interleaving row r with row r + w / 2 moves one bit of the position from
/// the row to the column, so log2(w) rounds move them all.
template <class T>
GLOSS_INLINE void transpose(Vec<T> (&rows)[lanes<T>]) {
  constexpr int w = lanes<T>;
  GLOSS_UNROLL for (int round = 1; round < w; round *= 2) {
    Vec<T> out[w];
    GLOSS_UNROLL for (int r = 0; r < w / 2; ++r) {
      out[2 * r] = interleave<T, false>(rows[r], rows[r + w / 2]);
      out[2 * r + 1] = interleave<T, true>(rows[r], rows[r + w / 2]);
    }
    GLOSS_UNROLL for (int r = 0; r < w; ++r) rows[r] = out[r];
  }
}

/// The vector whose lane r is the sum of the lanes of rows[r]: transpose's rounds with an addition in each.
template <class T>
GLOSS_INLINE Vec<T> sum_rows(Vec<T> (&rows)[lanes<T>]) {
  GLOSS_UNROLL for (int half = lanes<T> / 2; half > 0; half /= 2) {
    GLOSS_UNROLL for (int r = 0; r < half; ++r) rows[r] =
        interleave<T, false>(rows[r], rows[r + half]) + interleave<T, true>(rows[r], rows[r + half]);
  }
  return rows[0];
}

/// A panel of op(B) = B: rows [0, k), `columns` of them real, zeros up to `width`. out [k, width].
template <class T>
void pack_rows(Index k, Index columns, Index width, const T* b, Index ldb, T* out) {
  for (Index p = 0; p < k; ++p, b += ldb, out += width)
    for (Index j = 0; j < width; j += lanes<T>) {
      const Index rest = columns - j;
      store<T>(out + j, rest >= lanes<T> ? load<T>(b + j) : load_partial<T>(b + j, rest > 0 ? rest : 0));
    }
}

/// A panel of op(B) = B^T: `columns` rows of B, each k long, become columns; zeros up to `width`. out [k, width].
template <class T>
void pack_columns(Index k, Index columns, Index width, const T* b, Index ldb, T* out) {
  constexpr Index w = lanes<T>;
  for (Index j = 0; j < width; j += w) {
    const T* source = b + j * ldb;
    const Index real = columns - j < w ? columns - j : w;
    Index p = 0;
    if (real == w)
      for (; p + w <= k; p += w) {
        Vec<T> square[w];
        GLOSS_UNROLL for (int r = 0; r < w; ++r) square[r] = load<T>(source + r * ldb + p);
        transpose<T>(square);
        GLOSS_UNROLL for (int r = 0; r < w; ++r) store<T>(out + (p + r) * width + j, square[r]);
      }
    for (; p < k; ++p)
      for (Index r = 0; r < w; ++r) out[p * width + j + r] = r < real ? source[r * ldb + p] : T(0);
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
