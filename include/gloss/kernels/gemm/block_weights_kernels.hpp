// The innermost parts of products with weights in blocks of 32: rows of numbers as blocks of bytes, and tiles whose
// sums within a block are whole numbers. One copy for every instruction set behind a table, and tiles for AVX512-VNNI.
#pragma once

#include <gloss/core/float16.hpp>
#include <gloss/kernels/gemm/int8_kernels.hpp>
#include <gloss/kernels/gemm/kernels.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Numbers along k that have a scale in common.
inline constexpr Index block_length = 32;

namespace detail {

/// Columns of a panel of packed weights.
inline constexpr Index block_width = 32;
/// Rows that a tile has at most.
inline constexpr int block_most_rows = 6;

/// The codes of a block of a panel: of 8 bits as [8 quads of k, block_width, 4], of 4 bits as [4 quads, block_width, 4]
/// with the first 16 along k in the lower halves of the bytes and the others in the upper.
constexpr Index block_code_bytes(int bits) { return block_length * block_width * bits / 8; }
/// The scales of a block of a panel, with the minima behind them.
constexpr Index block_scales(bool has_minimum) { return has_minimum ? 2 * block_width : block_width; }

/// A panel: the codes of all blocks, and the scales of all.
struct BlockPanel {
  const std::uint8_t* codes;
  const float* scales;
};

/// 32 numbers of a row: x = scale * number, to half a scale. The scale is NaN where one of x is NaN or infinite.
struct RowBlock {
  float scale, total;   // total: the scale times the sum of the numbers
  std::int32_t offset;  // what sums with codes have too much, negative
  std::int8_t numbers[block_length];
};

/// A product of up to block_most_rows rows with a panel: sums [rows, block_width]. Rows of `a` are a_row blocks apart.
/// A block adds sum of (number * code) + offset, exact, times both scales; then, with minima, total * minimum.
using BlockTile = void(Index blocks, const RowBlock* a, Index a_row, BlockPanel b, float* sums);
struct BlockTiles {
  BlockTile* of_rows[block_most_rows];  // 1, 2, ...
};

/// What gemm/block_weights.inc defines for one instruction set.
template <class T>
struct BlockKernels {
  /// Rows x [rows, k] as blocks, whose offset is -middle times the sum of their numbers.
  void (*rows)(Index rows, Index k, const T* x, Index ldx, int middle, RowBlock* out);
  /// Numbers of float16 as float; their count is a multiple of block_width.
  void (*widen)(Index count, const std::uint16_t* halves, T* out);
  Index most_rows;
  BlockTiles tiles[2][2];  // 8 bits or 4, without minima or with them
};

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::kernels

#define GLOSS_ISA_FILE <gloss/kernels/gemm/block_weights.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE

namespace gloss::inline GLOSS_ABI::kernels::detail {

#if defined(GLOSS_VECTOR_TYPES) && defined(__x86_64__) && !defined(_WIN32) && \
    (GLOSS_VECTOR_BYTES == 64 || defined(GLOSS_COPY_AVX512))

/// BlockTile by one instruction for 64 products. (Of intrinsics GCC 12 makes copies of the sums.)
template <int bits, bool has_minimum, int rows>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni"))) GLOSS_NOINLINE void block_vnni_tile(
    Index blocks, const RowBlock* a, Index a_row, BlockPanel b, float* sums) {
  typedef std::int32_t Words __attribute__((vector_size(64)));
  typedef float Numbers __attribute__((vector_size(64)));
  constexpr int vectors = block_width / 16;
  Numbers sum[rows][vectors] = {};
  for (Index k = 0; k < blocks; ++k, ++a, b.codes += block_code_bytes(bits), b.scales += block_scales(has_minimum)) {
    Words dot[rows][vectors];
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
      GLOSS_UNROLL for (int v = 0; v < vectors; ++v) dot[i][v] = a[i * a_row].offset - Words{};
    }
    GLOSS_UNROLL for (int q = 0; q < bits; ++q) {
      GLOSS_UNROLL for (int half = 0; half < 8 / bits; ++half) {
        Words y[vectors];
        GLOSS_UNROLL for (int v = 0; v < vectors; ++v) {
          std::memcpy(&y[v], b.codes + 128 * q + 64 * v, sizeof y[v]);
          if constexpr (bits == 4) y[v] = (half > 0 ? y[v] >> 4 : y[v]) & 0x0F0F0F0F;
        }
        GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
          std::int32_t quad;
          std::memcpy(&quad, a[i * a_row].numbers + 16 * half + 4 * q, sizeof quad);
          const Words x = quad - Words{};
          GLOSS_UNROLL for (int v = 0; v < vectors;
                            ++v) asm("vpdpbusd %2, %1, %0" : "+v"(dot[i][v]) : "v"(y[v]), "v"(x));
        }
      }
    }
    GLOSS_UNROLL for (int v = 0; v < vectors; ++v) {
      Numbers scale, minimum{};
      std::memcpy(&scale, b.scales + 16 * v, sizeof scale);
      if constexpr (has_minimum) std::memcpy(&minimum, b.scales + block_width + 16 * v, sizeof minimum);
      GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
        Numbers part = __builtin_convertvector(dot[i][v], Numbers) * (scale * a[i * a_row].scale);
        GLOSS_IN_REGISTER(part);  // not fused with the sum, so that every set gives the same bits
        sum[i][v] += part;
        if constexpr (has_minimum) {
          part = minimum * a[i * a_row].total;
          GLOSS_IN_REGISTER(part);
          sum[i][v] += part;
        }
      }
    }
  }
  GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
    GLOSS_UNROLL for (int v = 0; v < vectors; ++v) std::memcpy(sums + i * block_width + 16 * v, &sum[i][v], 64);
  }
}
template <int bits, bool has_minimum>
inline constexpr BlockTiles block_vnni_tiles = {
    {block_vnni_tile<bits, has_minimum, 1>, block_vnni_tile<bits, has_minimum, 2>,
     block_vnni_tile<bits, has_minimum, 3>, block_vnni_tile<bits, has_minimum, 4>,
     block_vnni_tile<bits, has_minimum, 5>, block_vnni_tile<bits, has_minimum, 6>}};

/// AVX-512's functions with the tiles of VNNI.
template <class T>
inline constexpr BlockKernels<T> block_vnni_kernels = {
#if GLOSS_VECTOR_BYTES == 64
    block_rows<T>,
    block_widen<T>,
#else
    on_avx512::detail::block_rows<T>,
    on_avx512::detail::block_widen<T>,
#endif
    block_most_rows,
    {{block_vnni_tiles<8, false>, block_vnni_tiles<8, true>}, {block_vnni_tiles<4, false>, block_vnni_tiles<4, true>}}};

template <class T>
const BlockKernels<T>& block_kernels_in_use() {
  return has_int8_tiles() ? block_vnni_kernels<T> : GLOSS_ON_ISA(detail::block_kernels<T>);
}
#else
template <class T>
const BlockKernels<T>& block_kernels_in_use() {
  return GLOSS_ON_ISA(detail::block_kernels<T>);
}
#endif

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
