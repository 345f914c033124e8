// The innermost parts of products with weights of float in panels: of a few rows, in the order of dot products, and a
// tile that fetches ahead. One copy for every instruction set, behind a table.
#pragma once

#include <gloss/kernels/gemm/kernels.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Fetches one element after another, `step` apart.
template <class T>
struct Fetch {
  const T* next;
  Index step;

  void operator()() {
    GLOSS_PREFETCH(next, 0, 2);
    next += step;
  }
};

/// What gemm/float_weights.inc defines for one instruction set. GemmKernels::dots adds the products of a row in chains,
/// one for each lane of its vectors: `lanes` of several rows, 4 * lanes of one. Here a vector holds columns of a panel,
/// and the chains are vectors of their own: sums [chains, rows, width].
template <class T>
struct FloatWeightsKernels {
  /// Adds to chain c the products of x[:, c + chains * r] and b[c + chains * r], r = 0, 1, ... repeats - 1, in order.
  /// Fetches `lines` cache lines with each.
  /// Shape: x [rows, chains * repeats] with rows ldx apart, b [chains * repeats, width]
  using Chains = void(Index chains, Index repeats, const T* x, Index ldx, const T* b, bool more, T* sums,
                      Fetch<T> fetch, Index lines);
  /// out = the chains' sum of the first `rows` rows, in the order in which dots adds its lanes; added to what is there
  /// where `more`.
  /// Shape: out [rows, columns] with rows ldo apart
  using Fold = void(const T* sums, Index rows, Index columns, bool more, T* out, Index ldo);

  const GemmKernels<T>* tiles;
  /// A whole tile that fetches memory on the way.
  void (*tile)(Index k, const T* a, Index a_row, Index a_step, const T* b, Index b_step, T* c, Index ldc, T alpha,
               T beta, Fetch<T> fetch);
  Chains* chains[2];  // for one row, for tiles->most_dots
  Fold* fold[2];
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#define GLOSS_ISA_FILE <gloss/kernels/gemm/float_weights.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE
