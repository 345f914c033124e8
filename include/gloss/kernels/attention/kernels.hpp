// The innermost parts of fused attention: small products from cache and the softmax's loops. One copy for every
// instruction set, behind a table.
#pragma once

#include <atomic>
#include <limits>
#include <type_traits>

#include <gloss/kernels/attention/tile.hpp>
#include <gloss/kernels/simd/math.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// What attention/kernels.inc defines for one instruction set. Queries lie along rows, `width` of them, a multiple of
/// `lanes`; keys follow each other down the columns.
template <class T>
struct AttentionKernels {
  Index lanes;
  /// C [m, n] = A [m, depth] B [depth, n], or C += with `accumulate`. Element (i, p) of A lies at a[i * a_row + p *
  /// a_step]; B and C have dense rows. m is a multiple of panel_rows, n of lanes.
  void (*product)(Index m, Index n, Index depth, const T* a, Index a_row, Index a_step, const T* b, Index ldb, T* c,
                  Index ldc, bool accumulate);
  /// The scores st [keys, width] become 2^(score - base), which are added to sum. A base rises only when scores exceed
  /// it by so much that sums of any length might overflow, which after the first tile seldom happens: then sum and
  /// ot [d_v, width] shrink.
  void (*exponentials)(T* st, Index keys, Index width, T* base, T* sum, T* ot, Index d_v);
  /// The scores st [keys, width] become P = 2^(score - base) * inverse; dst, which is dP, becomes P (dP - row_dot), and
  /// exactly 0 for a key that has all the weight of its row.
  void (*gradients)(T* st, T* dst, Index ld, Index keys, Index width, const T* base, const T* inverse,
                    const T* row_dot);

  /// Queries that the small products take at once.
  Index strip() const { return 2 * lanes; }
  /// A width of keys' and values' rows that suits the products both ways.
  Index padded(Index d) const { return round_up(d, lanes > panel_rows ? lanes : panel_rows); }
};

/// The most queries of a strip, with any instruction set.
inline constexpr Index attention_strip_most = 32;

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#define GLOSS_ISA_FILE <gloss/kernels/attention/kernels.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// What takes the place of the product of float, null unless a program asks (ops/matmul_precision.hpp).
inline constinit std::atomic<decltype(AttentionKernels<float>::product)> other_attention_product{nullptr};

/// The copy in use.
template <class T>
AttentionKernels<T> attention_kernels_in_use() {
  AttentionKernels<T> kernels = GLOSS_ON_ISA(detail::attention_kernels<T>);
  if constexpr (std::is_same_v<T, float>)
    if (auto* const other = other_attention_product.load(std::memory_order_relaxed)) kernels.product = other;
  return kernels;
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
