// The innermost parts of products in bfloat16, for processors with AVX512-BF16: tiles of C whose sums stay in
// registers, and what rounds the factors and lays them in pairs. Two numbers that follow each other along k are a pair,
// the first in the lower half of 32 bits: in packed factors a pair stands where a float stands otherwise.
#pragma once

#include <cstdint>
#include <cstring>

#include <gloss/kernels/gemm/kernels.hpp>

#if defined(GLOSS_VECTOR_TYPES) && defined(__x86_64__) && !defined(_WIN32) && \
    (GLOSS_VECTOR_BYTES == 64 || defined(GLOSS_COPY_AVX512))

#define GLOSS_BFLOAT16_TILES
#define GLOSS_BFLOAT16_SET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16")))

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Whether tiles of pairs can be computed: the set in use is AVX-512, on a processor with AVX512-BF16.
inline bool has_bfloat16_tiles() {
  static const bool has = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") != 0;
  }();
  return has && (GLOSS_VECTOR_BYTES == 64 || isa() == Isa::avx512);
}
/// Whether they are the faster ones: AMD's processors multiply as many pairs at a time as floats, Intel's, of which a
/// Xeon (Sapphire Rapids) was measured, a quarter as many. Nothing is timed when the program runs, for the bits must
/// not depend on it. Tests change it.
GLOSS_NOINLINE inline bool& prefers_bfloat16_tiles() {
  static bool prefers = has_bfloat16_tiles() && __builtin_cpu_is("amd") != 0;
  return prefers;
}
inline bool uses_bfloat16_tiles() { return prefers_bfloat16_tiles() && has_bfloat16_tiles(); }

typedef float Bfloat16Sums __attribute__((vector_size(64)));
typedef std::uint32_t Bfloat16Pairs __attribute__((vector_size(64)));

/// GemmKernels::Tile of pairs: in each lane sum += x1 y1, then sum += x0 y0.
template <int rows, int vectors>
GLOSS_BFLOAT16_SET GLOSS_NOINLINE void bfloat16_tile(Index pairs, const float* a, Index a_row, Index a_step,
                                                     const float* b, Index b_step, float* c, Index ldc, float alpha,
                                                     float beta) {
  constexpr Index w = 16;
  Bfloat16Sums sum[rows][vectors] = {};
  const float* a3 = rows > 3 ? a + 3 * a_row : a;
  for (Index p = 0; p < pairs; ++p, a += a_step, a3 += a_step, b += b_step) {
    Bfloat16Pairs y[vectors];
    GLOSS_UNROLL for (int j = 0; j < vectors; ++j) std::memcpy(&y[j], b + j * w, sizeof y[j]);
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
      std::uint32_t pair;
      std::memcpy(&pair, i < 3 ? a + i * a_row : a3 + (i - 3) * a_row, sizeof pair);
      const Bfloat16Pairs x = pair - Bfloat16Pairs{};
      GLOSS_UNROLL for (int j = 0; j < vectors; ++j) asm("vdpbf16ps %2, %1, %0" : "+v"(sum[i][j]) : "v"(y[j]), "v"(x));
    }
  }
  GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
    GLOSS_UNROLL for (int j = 0; j < vectors; ++j) {
      float* const to = c + i * ldc + j * w;
      Bfloat16Sums value = alpha * sum[i][j];
      if (beta != 0) {
        Bfloat16Sums before;
        std::memcpy(&before, to, sizeof before);
        value = value + beta * before;
      }
      std::memcpy(to, &value, sizeof value);
    }
  }
}

/// out [16]: the numbers of `low`, then those of `high`, 16 each, rounded to nearest, ties to even.
GLOSS_BFLOAT16_SET GLOSS_INLINE void bfloat16_rounded(const float* low, const float* high, void* out) {
  Bfloat16Sums x, y;
  std::memcpy(&x, low, sizeof x);
  std::memcpy(&y, high, sizeof y);
  Bfloat16Pairs rounded;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(rounded) : "v"(x), "v"(y));
  std::memcpy(out, &rounded, sizeof rounded);
}

/// out [rows, (n + 1) / 2]: the pairs of rows of n numbers.
GLOSS_BFLOAT16_SET GLOSS_NOINLINE inline void bfloat16_rows(Index rows, Index n, const float* from, Index ld,
                                                            float* out, Index out_ld) {
  for (Index r = 0; r < rows; ++r) {
    Index j = 0;
    for (; j + 32 <= n; j += 32) bfloat16_rounded(from + r * ld + j, from + r * ld + j + 16, out + r * out_ld + j / 2);
    if (j == n) continue;
    float rest[32] = {}, pairs[16];
    std::memcpy(rest, from + r * ld + j, static_cast<std::size_t>(n - j) * sizeof(float));
    bfloat16_rounded(rest, rest + 16, pairs);
    std::memcpy(out + r * out_ld + j / 2, pairs, static_cast<std::size_t>((n - j + 1) / 2) * sizeof(float));
  }
}

/// out [16]: the pairs (p[j], q[j]).
GLOSS_BFLOAT16_SET GLOSS_INLINE void bfloat16_pairs(const float* p, const float* q, float* out) {
  typedef std::uint16_t Halves __attribute__((vector_size(64)));
  Halves halves;
  bfloat16_rounded(p, q, &halves);
  halves = __builtin_shufflevector(halves, halves, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25,
                                   10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  std::memcpy(out, &halves, sizeof halves);
}

/// out [n]: the pairs (p[j], q[j]).
GLOSS_BFLOAT16_SET GLOSS_NOINLINE inline void bfloat16_two_rows(Index n, const float* p, const float* q, float* out) {
  Index j = 0;
  for (; j + 16 <= n; j += 16) bfloat16_pairs(p + j, q + j, out + j);
  if (j == n) return;
  const auto bytes = static_cast<std::size_t>(n - j) * sizeof(float);
  float x[16] = {}, y[16] = {}, pairs[16];
  std::memcpy(x, p + j, bytes);
  std::memcpy(y, q + j, bytes);
  bfloat16_pairs(x, y, pairs);
  std::memcpy(out + j, pairs, bytes);
}

/// AVX-512's functions with the tiles of pairs.
inline constexpr GemmKernels<float> bfloat16_kernels = [] {
#if GLOSS_VECTOR_BYTES == 64
  GemmKernels<float> kernels = gemm_kernels<float>;
#else
  GemmKernels<float> kernels = on_avx512::detail::gemm_kernels<float>;
#endif
  kernels.tile[0][0] = bfloat16_tile<2, narrow_vectors>;
  kernels.tile[0][1] = bfloat16_tile<2, 4>;
  kernels.tile[1][0] = bfloat16_tile<tile_rows, narrow_vectors>;
  kernels.tile[1][1] = bfloat16_tile<tile_rows, 4>;
  return kernels;
}();

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#else

namespace gloss::inline GLOSS_ABI::kernels::detail {
inline bool uses_bfloat16_tiles() { return false; }
}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#endif
