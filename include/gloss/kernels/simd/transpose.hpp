// Squares of vectors turned on their diagonal.
#pragma once

#include <utility>

#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

#ifdef GLOSS_VECTOR_TYPES
/// One step of the transposition of a square of vectors: swaps the blocks of `w` lanes across the diagonal.
template <class T, Index w, std::size_t... i>
GLOSS_INLINE void swap_blocks(Vec<T>& a, Vec<T>& b, std::index_sequence<i...>) {
  constexpr int n = sizeof...(i), width = w;
  const Vec<T> low = shuffle<T, (int(i) & width ? n + int(i) - width : int(i))...>(a, b);
  b = shuffle<T, (int(i) & width ? n + int(i) : int(i) + width)...>(a, b);
  a = low;
}
template <class T, Index w>
GLOSS_INLINE void swap_all_blocks(Vec<T>* v) {
  if constexpr (w > 0) {
    GLOSS_UNROLL for (Index r = 0; r < lanes<T>; ++r) {
      if ((r & w) == 0) swap_blocks<T, w>(v[r], v[r + w], std::make_index_sequence<lanes<T>>{});
    }
    swap_all_blocks<T, w / 2>(v);
  }
}
#endif

/// A square of lanes<T> vectors is turned where it stands.
template <class T>
GLOSS_INLINE void transpose_vectors(Vec<T>* v) {
#ifdef GLOSS_VECTOR_TYPES
  swap_all_blocks<T, lanes<T> / 2>(v);
#else
  transpose_packs(v);
#endif
}

/// out[c][r] = in[r][c] for a square of lanes<T>.
template <class T>
GLOSS_NOINLINE void transpose_square(const T* in, Index in_stride, T* out, Index out_stride) {
  Vec<T> v[lanes<T>];
  GLOSS_UNROLL for (Index r = 0; r < lanes<T>; ++r) v[r] = load<T>(in + r * in_stride);
  transpose_vectors<T>(v);
  GLOSS_UNROLL for (Index r = 0; r < lanes<T>; ++r) store<T>(out + r * out_stride, v[r]);
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
