// Fused attention whose products round their factors to bfloat16: what ops/matmul_precision.hpp puts in the place of
// attention's products of float. Scores, the softmax and all sums stay float.
#pragma once

#include <gloss/kernels/attention/kernels.hpp>
#include <gloss/kernels/bfloat16_pairs.hpp>
#include <gloss/kernels/gemm/bfloat16_tiles.hpp>
#include <gloss/kernels/workspace.hpp>

#ifndef GLOSS_BACKEND_EIGEN

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// AttentionKernels::product of rounded factors, by the product of float.
inline void attention_product_of_rounded(Index m, Index n, Index depth, const float* a, Index a_row, Index a_step,
                                         const float* b, Index ldb, float* c, Index ldc, bool accumulate) {
  float* const rounded_a = workspace<0>().get<float>(m * depth);
  float* const rounded_b = workspace<1>().get<float>(depth * n);
  const bool by_rows = a_step == 1;
  round_rows_to_bfloat16(by_rows ? m : depth, by_rows ? depth : m, a, by_rows ? a_row : a_step, rounded_a);
  round_rows_to_bfloat16(depth, n, b, ldb, rounded_b);
  GLOSS_ON_ISA(detail::attention_kernels<float>)
      .product(m, n, depth, rounded_a, by_rows ? depth : 1, by_rows ? 1 : m, rounded_b, n, c, ldc, accumulate);
}

#ifdef GLOSS_BFLOAT16_TILES
/// The same by tiles of pairs.
inline void attention_product_of_pairs(Index m, Index n, Index depth, const float* a, Index a_row, Index a_step,
                                       const float* b, Index ldb, float* c, Index ldc, bool accumulate) {
  constexpr Index w = 16;
  const Index pairs = (depth + 1) / 2;
  const bool by_rows = a_step == 1;
  float* const pairs_a = workspace<0>().get<float>(m * pairs);
  float* const pairs_b = workspace<1>().get<float>((pairs + 1) * n);
  float* const zeros = pairs_b + pairs * n;
  if (depth % 2 != 0) std::memset(zeros, 0, static_cast<std::size_t>(n) * sizeof(float));
  for (Index p = 0; p < depth; p += 2)
    bfloat16_two_rows(n, b + p * ldb, p + 1 < depth ? b + (p + 1) * ldb : zeros, pairs_b + p / 2 * n);
  if (by_rows) {
    bfloat16_rows(m, depth, a, a_row, pairs_a, pairs);
  } else {
    const float nothing[64] = {};
    for (Index p = 0; p < depth; p += 2)
      for (Index i = 0; i < m; i += 64) {
        const Index some = m - i < 64 ? m - i : 64;
        const float* const from = a + p * a_step + i;
        bfloat16_two_rows(some, from, p + 1 < depth ? from + a_step : nothing, pairs_a + p / 2 * m + i);
      }
  }
  const Index row = by_rows ? pairs : 1, step = by_rows ? 1 : m;
  const float before = accumulate ? 1.0f : 0.0f;
  for (Index i = 0; i < m; i += panel_rows) {
    Index j = 0;
    for (; j + 2 * w <= n; j += 2 * w)
      bfloat16_tile<panel_rows, 2>(pairs, pairs_a + i * row, row, step, pairs_b + j, n, c + i * ldc + j, ldc, 1,
                                   before);
    for (; j < n; j += w)
      bfloat16_tile<panel_rows, 1>(pairs, pairs_a + i * row, row, step, pairs_b + j, n, c + i * ldc + j, ldc, 1,
                                   before);
  }
}
#endif

/// What set_matmul_precision makes of other_attention_product.
inline void attention_product_in_bfloat16(Index m, Index n, Index depth, const float* a, Index a_row, Index a_step,
                                          const float* b, Index ldb, float* c, Index ldc, bool accumulate) {
#ifdef GLOSS_BFLOAT16_TILES
  if (uses_bfloat16_tiles())
    return attention_product_of_pairs(m, n, depth, a, a_row, a_step, b, ldb, c, ldc, accumulate);
#endif
  attention_product_of_rounded(m, n, depth, a, a_row, a_step, b, ldb, c, ldc, accumulate);
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#endif
