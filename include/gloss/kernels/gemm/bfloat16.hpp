// Products of float whose factors are rounded to bfloat16 while they are packed, and whose sums are float: what
// ops/matmul_precision.hpp puts in the place of the tiles of float.
#pragma once

#include <cstdint>
#include <cstring>

#include <gloss/core/bfloat16.hpp>
#include <gloss/kernels/bfloat16_pairs.hpp>
#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/gemm/bfloat16_tiles.hpp>

#ifndef GLOSS_BACKEND_EIGEN

namespace gloss::inline GLOSS_ABI::kernels::detail {

#ifdef GLOSS_BFLOAT16_TILES

/// A panel of op(B) = B: rows [0, k), `columns` of them real, zeros up to `width`. out [(k + 1) / 2, width].
inline void bfloat16_pack_rows(Index k, Index columns, Index width, const float* b, Index ldb, float* out) {
  const float zeros[max_vectors * max_lanes] = {};
  for (Index p = 0; p < k; p += 2, b += 2 * ldb, out += width) {
    bfloat16_two_rows(columns, b, p + 1 < k ? b + ldb : zeros, out);
    for (Index j = columns; j < width; ++j) out[j] = 0;
  }
}

/// A panel of op(B) = B^T: `columns` rows of B, each k long, become columns; zeros up to `width`; of the `more` rows
/// that follow as many are fetched as pack_columns does. out [(k + 1) / 2, width].
inline void bfloat16_pack_columns(Index k, Index columns, Index width, const float* b, Index ldb, float* out,
                                  Index more) {
  constexpr Index w = 16;
  const Index pairs = (k + 1) / 2;
  float square[w * w] = {}, turned[w * w];
  for (Index j = 0; j < width; j += w) {
    const Index real = columns - j < w ? (columns > j ? columns - j : 0) : w;
    std::memset(square + real * w, 0, static_cast<std::size_t>((w - real) * w) * sizeof(float));
    for (Index p = 0; p < pairs; p += w) {
      const Index depth = k - 2 * p < 2 * w ? k - 2 * p : 2 * w;
      if (j + 2 * w <= columns + more)
        for (Index r = w; r < 2 * w; ++r)
          for (Index q = 0; q < depth; q += 16) GLOSS_PREFETCH(b + (j + r) * ldb + 2 * p + q, 0, 2);
      bfloat16_rows(real, depth, b + j * ldb + 2 * p, ldb, square, w);
      if (pairs - p >= w) {
        bfloat16_kernels.turn(square, w, out + p * width + j, width);
      } else {
        bfloat16_kernels.turn(square, w, turned, w);
        for (Index r = 0; r < pairs - p; ++r) std::memcpy(out + (p + r) * width + j, turned + r * w, w * sizeof(float));
      }
    }
  }
}

/// Tiles of op(A) = A^T, of which `rows` columns of A make the rows: as pack_tiles, with pairs.
inline void bfloat16_pack_tiles(Index k, Index rows, const float* a, Index lda, float* out) {
  constexpr Index group = 64 * tile_rows;
  const Index size = packed_tile_size<float>((k + 1) / 2);
  const float zeros[group] = {};
  float line[group];
  for (Index i = 0; i < rows; i += group) {
    const Index n = rows - i < group ? rows - i : group;
    for (Index p = 0; p < k; p += 2) {
      bfloat16_two_rows(n, a + p * lda + i, p + 1 < k ? a + (p + 1) * lda + i : zeros, line);
      float* to = out + i / tile_rows * size + p / 2 * tile_rows;
      for (Index t = 0; t < n; t += tile_rows, to += size)
        std::memcpy(to, line + t, static_cast<std::size_t>(n - t < tile_rows ? n - t : tile_rows) * sizeof(float));
    }
  }
}

/// Tiles [tile, tile_end) of panels [panel, panel_end) of C, by one thread.
inline void bfloat16_block(const Product<float>& x, Index tile, Index tile_end, Index panel, Index panel_end) {
  const GemmKernels<float>& kernels = bfloat16_kernels;
  const Index row = tile * tile_rows, row_end = tile_end * tile_rows < x.m ? tile_end * tile_rows : x.m;
  const Index depth = gemm_depth<bfloat16>(x.k);
  for (Index p = 0; p < x.k; p += depth) {
    const Index k = x.k - p < depth ? x.k - p : depth, pairs = (k + 1) / 2;
    // The rows of A that a tile reads are so far apart, and the tiles: an odd number of cache lines.
    const Index a_row = x.trans_a ? 1 : ((pairs + 15) / 16 | 1) * 16;
    const Index a_step = x.trans_a ? tile_rows : 1;
    const Index a_tile = x.trans_a ? packed_tile_size<float>(pairs) : tile_rows * a_row;
    float* const a = workspace<1>().get<float>((tile_end - tile) * a_tile);
    if (x.trans_a)
      bfloat16_pack_tiles(k, row_end - row, x.a + p * x.lda + row, x.lda, a);
    else
      bfloat16_rows(row_end - row, k, x.a + row * x.lda + p, x.lda, a, a_row);
    for (Index j = panel * kernels.width(); j < panel_end * kernels.width() && j < x.n; j += kernels.width()) {
      const Index columns = x.n - j < kernels.width() ? x.n - j : kernels.width();
      const Index width = kernels.width(columns);
      float* const b = workspace<0>().get<float>(pairs * width);
      if (x.trans_b)
        bfloat16_pack_columns(k, columns, width, x.b + j * x.ldb + p, x.ldb, b, x.n - j - columns);
      else
        bfloat16_pack_rows(k, columns, width, x.b + p * x.ldb + j, x.ldb, b);
      for (Index i = row; i < row_end; i += tile_rows) {
        const Index rows = row_end - i < tile_rows ? row_end - i : tile_rows;
        float* const c = x.c + i * x.ldc + j;
        for (Index r = 0; r < rows; ++r)  // as in gemm_step
          for (Index q = 0; q < columns; q += 16) GLOSS_PREFETCH(c + r * x.ldc + q, 1);
        gemm_rows<float>(kernels, rows, columns, width, pairs, a + (i - row) / tile_rows * a_tile, a_row, a_step, b,
                         width, c, x.ldc, x.alpha, p == 0 ? x.beta : 1.0f);
        if (p + k == x.k) gemm_end(x, i, j, rows, columns);
      }
    }
  }
}

/// Into how many blocks of rows C is cut so that the threads, each of which packs the rows and the columns of its own
/// part, have least to do.
inline Index bfloat16_row_blocks(Index tiles, Index panels, Index width) {
  constexpr Index most = 2048 / tile_rows;  // tiles of a block
  constexpr Index packing = 10;             // multiply-adds that packing a number takes as long as
  const Index threads = num_threads();
  Index best = 1, least_work = 0;
  for (Index blocks = (tiles + most - 1) / most; blocks <= tiles; ++blocks) {
    const Index units = (blocks * panels + threads - 1) / threads;  // panels of a block that one thread does
    const Index rows = (tiles + blocks - 1) / blocks * tile_rows;
    const Index work = units * rows * width + packing * (units * width + (units + panels - 1) / panels * rows);
    if (least_work == 0 || work < least_work) best = blocks, least_work = work;
    if (blocks >= threads) break;
  }
  return best;
}

/// `count` products, all alike but in their pointers and beta.
inline void gemm_by_bfloat16_tiles(const Product<float>* products, Index count) {
  const Product<float>& x = products[0];
  const Index tiles = x.tiles(), panels = x.panels();
  const Index blocks = bfloat16_row_blocks(tiles, panels, x.n / panels + 1);
  const Index unit_work = x.m / blocks * (x.n / panels + 1) * x.k * count / 2;
  parallel_for(blocks * panels, work_per_thread / (unit_work + 1) + 1, [&](Index unit, Index end) {
    while (unit < end) {
      const Index block = unit / panels, from = unit % panels;
      const Index to = from + (end - unit) < panels ? from + (end - unit) : panels;
      for (Index q = 0; q < count; ++q)
        bfloat16_block(products[q], tiles * block / blocks, tiles * (block + 1) / blocks, from, to);
      unit += to - from;
    }
  });
}

#endif

/// out [rows, columns] = x, rounded.
inline void round_to_bfloat16(Index rows, Index columns, const float* x, Index ldx, float* out) {
  parallel_for(rows, 16384 / (columns + 1) + 1, [=](Index begin, Index end) {
    round_rows_to_bfloat16(end - begin, columns, x + begin * ldx, ldx, out + begin * columns);
  });
}

/// A product by the tiles of float, of rounded copies of the factors.
inline void gemm_of_rounded(const Product<float>& x) {
  const Index a_rows = x.trans_a ? x.k : x.m, a_columns = x.trans_a ? x.m : x.k;
  const Index b_rows = x.trans_b ? x.n : x.k, b_columns = x.trans_b ? x.k : x.n;
  float* const a = workspace<2>().get<float>(a_rows * a_columns);  // not those that the tiles pack into
  float* const b = workspace<3>().get<float>(b_rows * b_columns);
  round_to_bfloat16(a_rows, a_columns, x.a, x.lda, a);
  round_to_bfloat16(b_rows, b_columns, x.b, x.ldb, b);
  const Product<float> rounded{x.trans_a, x.trans_b, x.m,       x.n,    x.k, x.alpha, a,
                               a_columns, b,         b_columns, x.beta, x.c, x.ldc,   x.epilogue};
  gemm_in_full(&rounded, 1);
}

/// Whether products are large enough to be rounded. The others wait for memory, not for the arithmetic.
inline bool suits_bfloat16(const Product<float>& x) { return x.m > 16 && x.n > 8 && x.k > 0; }

/// What set_matmul_precision makes of other_gemm.
inline bool gemm_bfloat16(const Product<float>* products, Index count) {
  if (!suits_bfloat16(products[0])) return false;
#ifdef GLOSS_BFLOAT16_TILES
  if (uses_bfloat16_tiles()) {
    gemm_by_bfloat16_tiles(products, count);
    return true;
  }
#endif
  for (Index q = 0; q < count; ++q) gemm_of_rounded(products[q]);
  return true;
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#endif
