// The innermost part of a matrix product: one tile of C, whose sums stay in registers for the whole depth.
#pragma once

#include <array>

#include <gloss/kernels/gemm_naive.hpp>
#include <gloss/kernels/simd.hpp>

// Before a loop with constant bounds over an array of Vec: unrolled, so that the array lives in registers.
#if defined(__clang__)
#define GLOSS_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define GLOSS_UNROLL _Pragma("GCC unroll 64")
#else
#define GLOSS_UNROLL
#endif

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Rows of a tile, and vectors in each: rows x vectors sums, one row of B and one element of A fill the registers.
inline constexpr int tile_rows = 6;
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int tile_vectors = 4;
#else
inline constexpr int tile_vectors = 2;
#endif

/// What happens to the sums: C = act(alpha sum + beta C + bias).
template <class T>
struct TileEnd {
  T alpha, beta;
  const T* bias;  // at the tile's first column, or null
  bool relu;
};

/// C [rows, vectors * lanes] from A, element (i, p) at a[i * a_row + p * a_step], and B, row p at b + p * b_step.
/// Every element is one chain of k additions in order, whatever the tile's size.
template <class T, int rows, int vectors>
GLOSS_NOINLINE void gemm_tile(Index k, const T* a, Index a_row, Index a_step, const T* b, Index b_step, T* c, Index ldc,
                              const TileEnd<T>& end) {
  using V = Vec<T>;
  constexpr Index w = lanes<T>;
  V sum[rows][vectors] = {};
  const T* a3 =
      rows > 3 ? a + 3 * a_row : a;  // two bases and the strides 1 and 2 reach six rows without more registers
  for (Index p = 0; p < k; ++p, a += a_step, a3 += a_step, b += b_step) {
    V y[vectors];
    GLOSS_UNROLL for (int j = 0; j < vectors; ++j) y[j] = load<T>(b + j * w);
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
      const V x = splat<T>(i < 3 ? a[i * a_row] : a3[(i - 3) * a_row]);
      GLOSS_UNROLL for (int j = 0; j < vectors; ++j) sum[i][j] = x * y[j] + sum[i][j];
    }
  }
  if (end.alpha != T(1)) {
    const V alpha = splat<T>(end.alpha);
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) { GLOSS_UNROLL for (int j = 0; j < vectors; ++j) sum[i][j] *= alpha; }
  }
  if (end.beta != T(0)) {
    const V beta = splat<T>(end.beta);
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
      GLOSS_UNROLL for (int j = 0; j < vectors; ++j) sum[i][j] = beta * load<T>(c + i * ldc + j * w) + sum[i][j];
    }
  }
  if (end.bias != nullptr) {
    GLOSS_UNROLL for (int j = 0; j < vectors; ++j) {
      const V bias = load<T>(end.bias + j * w);
      GLOSS_UNROLL for (int i = 0; i < rows; ++i) sum[i][j] += bias;
    }
  }
  if (end.relu) {
    const V zero = {};
    GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
      GLOSS_UNROLL for (int j = 0; j < vectors; ++j) sum[i][j] = select<T>(sum[i][j] < zero, zero, sum[i][j]);
    }
  }
  GLOSS_UNROLL for (int i = 0; i < rows; ++i) {
    GLOSS_UNROLL for (int j = 0; j < vectors; ++j) store<T>(c + i * ldc + j * w, sum[i][j]);
  }
}

template <class T>
using TileFunction = void (*)(Index, const T*, Index, Index, const T*, Index, T*, Index, const TileEnd<T>&);

/// tile_functions[vectors - 1][rows - 1].
template <class T>
inline constexpr auto tile_functions = []<int... v, int... r>(std::integer_sequence<int, v...>,
                                                              std::integer_sequence<int, r...>) {
  using Row = std::array<TileFunction<T>, tile_rows>;
  constexpr auto row = []<int vectors>(std::integral_constant<int, vectors>) {
    return Row{&gemm_tile<T, r + 1, vectors>...};
  };
  return std::array<Row, tile_vectors>{row(std::integral_constant<int, v + 1>())...};
}
(std::make_integer_sequence<int, tile_vectors>(), std::make_integer_sequence<int, tile_rows>());

/// A tile of which only `columns` exist in C and in the bias: computed beside C, then copied.
template <class T>
void gemm_edge_tile(TileFunction<T> tile, Index rows, Index width, Index columns, Index k, const T* a, Index a_row,
                    Index a_step, const T* b, Index b_step, T* c, Index ldc, TileEnd<T> end) {
  T block[tile_rows * tile_vectors * lanes<T>];
  T bias[tile_vectors * lanes<T>] = {};
  const std::size_t bytes = static_cast<std::size_t>(columns) * sizeof(T);
  if (end.beta != T(0)) {
    std::memset(block, 0, sizeof block);
    for (Index i = 0; i < rows; ++i) std::memcpy(block + i * width, c + i * ldc, bytes);
  }
  if (end.bias != nullptr) {
    std::memcpy(bias, end.bias, bytes);
    end.bias = bias;
  }
  tile(k, a, a_row, a_step, b, b_step, block, width, end);
  for (Index i = 0; i < rows; ++i) std::memcpy(c + i * ldc, block + i * width, bytes);
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
