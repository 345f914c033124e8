// The innermost parts of products with weights of 8 bits: rows of numbers as bytes, tiles of whole sums, and what makes
// numbers of these. One copy for every instruction set behind a table, and tiles for AVX512-VNNI.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Columns of a panel of packed weights. Four weights that follow each other along k are a quad; a panel is
/// [quads, int8_width], so that one instruction multiplies 16 columns by a quad of bytes.
inline constexpr Index int8_width = 64;
/// Rows that a tile has at most.
inline constexpr Index int8_most_rows = 6;

/// What gemm/int8.inc defines for one instruction set.
template <class T>
struct Int8Kernels {
  /// Sums of rows of bytes with a panel: sums [rows, int8_width], exact. Rows of `a` are a_row bytes apart.
  using Tile = void(Index quads, const std::uint8_t* a, Index a_row, const std::int8_t* b, std::int32_t* sums);

  /// Rows x [rows, k] as bytes: x = scale * (byte - zero), to half a scale, with a scale and a zero for each row, such
  /// that 0 is exact; the bytes behind them up to out_row are 0. The scale of a row with NaN or infinity is NaN.
  void (*rows)(Index rows, Index k, const T* x, Index ldx, std::uint8_t* out, Index out_row, T* scales,
               std::int32_t* zeros);
  /// C [rows, columns] = scale * weight_scale * (sum - zero * weight_sum).
  void (*end)(Index rows, Index columns, const std::int32_t* sums, const std::int32_t* weight_sums,
              const T* weight_scales, const std::int32_t* zeros, const T* scales, T* c, Index ldc);
  Index most_rows;
  Tile* tile[int8_most_rows];  // of 1, 2, ... most_rows rows
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#define GLOSS_ISA_FILE <gloss/kernels/gemm/int8.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE

namespace gloss::inline GLOSS_ABI::kernels::detail {

#if defined(GLOSS_VECTOR_TYPES) && defined(__x86_64__) && !defined(_WIN32) && \
    (GLOSS_VECTOR_BYTES == 64 || defined(GLOSS_COPY_AVX512))

/// Int8Kernels::Tile by one instruction for 64 products. (Of intrinsics GCC 12 makes copies of the sums.)
template <int rows>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni"))) GLOSS_NOINLINE void int8_vnni_tile(
    Index quads, const std::uint8_t* a, Index a_row, const std::int8_t* b, std::int32_t* sums) {
  typedef std::int32_t Words __attribute__((vector_size(64)));
  constexpr int vectors = int8_width / 16;
  Words sum[rows][vectors] = {};
  const std::uint8_t* a3 = rows > 3 ? a + 3 * a_row : a;
  for (Index q = 0; q < quads; ++q, a += 4, a3 += 4, b += 4 * int8_width) {
    Words y[vectors];
    GLOSS_UNROLL for (int v = 0; v < vectors; ++v) std::memcpy(&y[v], b + 64 * v, sizeof y[v]);
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
      std::int32_t quad;
      std::memcpy(&quad, i < 3 ? a + i * a_row : a3 + (i - 3) * a_row, sizeof quad);
      const Words x = quad - Words{};
      GLOSS_UNROLL for (int v = 0; v < vectors; ++v) asm("vpdpbusd %2, %1, %0" : "+v"(sum[i][v]) : "v"(x), "v"(y[v]));
    }
  }
  GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
    GLOSS_UNROLL for (int v = 0; v < vectors; ++v) std::memcpy(sums + i * int8_width + 16 * v, &sum[i][v], 64);
  }
}

/// AVX-512's functions with the tiles of VNNI.
template <class T>
inline constexpr Int8Kernels<T> int8_vnni_kernels = [] {
#if GLOSS_VECTOR_BYTES == 64
  Int8Kernels<T> kernels = int8_kernels<T>;
#else
  Int8Kernels<T> kernels = on_avx512::detail::int8_kernels<T>;
#endif
  kernels.most_rows = int8_most_rows;
  typename Int8Kernels<T>::Tile* const tiles[] = {int8_vnni_tile<1>, int8_vnni_tile<2>, int8_vnni_tile<3>,
                                                  int8_vnni_tile<4>, int8_vnni_tile<5>, int8_vnni_tile<6>};
  for (Index i = 0; i < int8_most_rows; ++i) kernels.tile[i] = tiles[i];
  return kernels;
}();

/// Whether the set in use is AVX-512, on a processor with AVX512-VNNI.
inline bool has_int8_tiles() {
  static const bool has = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni") != 0;
  }();
  return has && (GLOSS_VECTOR_BYTES == 64 || isa() == Isa::avx512);
}
template <class T>
const Int8Kernels<T>& int8_kernels_in_use() {
  return has_int8_tiles() ? int8_vnni_kernels<T> : GLOSS_ON_ISA(detail::int8_kernels<T>);
}
#else
inline bool has_int8_tiles() { return false; }
template <class T>
const Int8Kernels<T>& int8_kernels_in_use() {
  return GLOSS_ON_ISA(detail::int8_kernels<T>);
}
#endif

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
