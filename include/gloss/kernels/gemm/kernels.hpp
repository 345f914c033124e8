// The innermost parts of a matrix product: tiles of C whose sums stay in registers, dot products, squares turned on
// their diagonal. One copy for every instruction set, behind a table.
#pragma once

#include <gloss/kernels/gemm/naive.hpp>
#include <gloss/kernels/simd/simd.hpp>

// What has been read stays in its register: GCC would read it again for every use.
#if defined(GLOSS_VECTOR_TYPES) && defined(__GNUC__) && defined(__x86_64__)
#define GLOSS_IN_REGISTER(v) asm("" : "+v"(v))
#else
#define GLOSS_IN_REGISTER(v) static_cast<void>(v)
#endif

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Rows of a whole tile, with every instruction set.
inline constexpr int tile_rows = 6;
/// Vectors of a narrow tile, with every instruction set; where a whole tile is no wider, they are the same.
inline constexpr int narrow_vectors = 2;
/// The most that lanes and vectors of a tile can be.
inline constexpr int max_lanes = 16;
inline constexpr int max_vectors = 4;

/// What gemm/kernels.inc defines for one instruction set.
template <class T>
struct GemmKernels {
  using Tile = void(Index k, const T* a, Index a_row, Index a_step, const T* b, Index b_step, T* c, Index ldc, T alpha,
                    T beta);
  /// Fetches rows ahead[0], ... ahead[rows_ahead - 1] meanwhile, k long and ldy apart, at most as many as a call reads.
  using Dots = void(Index k, Index columns, const T* x, Index ldx, const T* y, Index ldy, T* out, const T* ahead,
                    Index rows_ahead);
  Index lanes, vectors;
  Tile* tile[2][2];  // two rows or tile_rows; narrow_vectors or `vectors`
  void (*end)(Index rows, Index columns, T* c, Index ldc, const T* bias, bool relu);
  void (*turn)(const T* b, Index ldb, T* out, Index out_step);
  Index most_dots;
  Dots* dots[2];  // for one row, for most_dots

  Index width() const { return vectors * lanes; }
  Index narrow_width() const { return narrow_vectors * lanes; }
  /// Of the tiles that compute so many columns.
  Index width(Index columns) const { return columns <= narrow_width() ? narrow_width() : width(); }
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#define GLOSS_ISA_FILE <gloss/kernels/gemm/kernels.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE
