// How a matrix product is cut: panels of B packed by the thread that uses them, tiles of C in registers.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm_dot.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// One product's arguments, as gemm takes them.
template <class T>
struct Product {
  bool trans_a, trans_b;
  Index m, n, k;
  T alpha;
  const T* a;
  Index lda;
  const T* b;
  Index ldb;
  T beta;
  T* c;
  Index ldc;
  Epilogue<T> epilogue;

  // C is cut into tiles of tile_rows rows and into panels of up to tile_vectors vectors, as equal as can be.
  Index tiles() const { return (m + tile_rows - 1) / tile_rows; }
  Index panels() const { return (n + tile_vectors * lanes<T> - 1) / (tile_vectors * lanes<T>); }
  Index panel_begin(Index panel) const { return (n + lanes<T> - 1) / lanes<T> * panel / panels() * lanes<T>; }
  /// k is cut into blocks of equal depth, so that a panel of B stays in the second-level cache, tiles of A in the
  /// first.
  Index depth() const {
    constexpr Index most = 2048 / sizeof(T);
    const Index blocks = (k + most - 1) / most;
    return k > most ? ((k + blocks - 1) / blocks + 7) / 8 * 8 : k;
  }
  /// Few rows against the rows of B: read B once, in its own order.
  bool is_dot() const { return !trans_a && trans_b && m <= 8; }
  bool is_dot_transposed() const { return !trans_a && n <= 8 && (trans_b || (n == 1 && ldb == 1)); }
};

/// Tiles [tile, tile_end) of one panel of C, over the whole depth. packed_a, if any, starts at tile `packed_from`.
template <class T>
void gemm_panel(const Product<T>& x, Index panel, Index tile, Index tile_end, const T* packed_a, Index packed_from) {
  const Index j = x.panel_begin(panel);
  const Index width = x.panel_begin(panel + 1) - j;
  const Index columns = x.n - j < width ? x.n - j : width;
  const Index depth = x.depth();
  const auto& functions = tile_functions<T>[static_cast<std::size_t>(width / lanes<T> - 1)];
  const bool in_place = !x.trans_b && columns == width && tile_end - tile <= 2;  // too few rows to pay for a copy
  T* const packed_b = in_place ? nullptr : workspace<0>().template get<T>(depth * width);
  Index p = 0;
  do {
    const Index k = x.k - p < depth ? x.k - p : depth;
    const bool last = p + k == x.k;
    const T* b = packed_b;
    Index b_step = width;
    if (in_place) {
      b = x.b + p * x.ldb + j;
      b_step = x.ldb;
    } else if (x.trans_b) {
      pack_columns(k, columns, width, x.b + j * x.ldb + p, x.ldb, packed_b);
    } else {
      pack_rows(k, columns, width, x.b + p * x.ldb + j, x.ldb, packed_b);
    }
    const TileEnd<T> end{x.alpha, p == 0 ? x.beta : T(1), last && x.epilogue.bias ? x.epilogue.bias + j : nullptr,
                         last && x.epilogue.activation == Activation::relu};
    for (Index t = tile; t < tile_end; ++t) {
      const Index i = t * tile_rows;
      const Index rows = x.m - i < tile_rows ? x.m - i : tile_rows;
      const T* a = packed_a    ? packed_a + ((t - packed_from) * x.k + p) * tile_rows
                   : x.trans_a ? x.a + p * x.lda + i
                               : x.a + i * x.lda + p;
      const Index a_row = packed_a || x.trans_a ? 1 : x.lda;
      const Index a_step = packed_a ? tile_rows : x.trans_a ? x.lda : 1;
      const TileFunction<T> function = functions[static_cast<std::size_t>(rows - 1)];
      T* c = x.c + i * x.ldc + j;
      if (columns == width)
        function(k, a, a_row, a_step, b, b_step, c, x.ldc, end);
      else
        gemm_edge_tile<T>(function, rows, width, columns, k, a, a_row, a_step, b, b_step, c, x.ldc, end);
    }
    p += k;
  } while (p < x.k);
}

/// Columns [j, j_end) of C by dot products; the transposed form takes rows of C for columns.
template <class T>
void gemm_dot(const Product<T>& x, bool transposed, Index j, Index j_end) {
  const Index rows = transposed ? x.n : x.m;
  const T* few = transposed ? x.b : x.a;
  const Index few_row = transposed ? (x.n == 1 && !x.trans_b ? x.k : x.ldb) : x.lda;
  const T* many = transposed ? x.a : x.b;
  const Index many_row = transposed ? x.lda : x.ldb;
  const Index c_row = transposed ? 1 : x.ldc;
  const Index c_column = transposed ? x.ldc : 1;
  const Index bias_row = transposed ? 1 : 0;
  const T* bias = x.epilogue.bias;
  const bool relu = x.epilogue.activation == Activation::relu;
  constexpr Index w = lanes<T>;
  constexpr int most = w >= 8 ? 4 : 2;
  constexpr Index group = w;  // columns that all rows visit before the next ones are read
  for (; j < j_end; j += group) {
    const Index stop = j + group < j_end ? j + group : j_end;
    for (Index i = 0; i < rows;) {
      const Index r = rows - i >= most ? most : rows - i >= 2 ? 2 : 1;
      for (Index q = j; q < stop; q += w / r) {
        const auto call = [&]<int count>(std::integral_constant<int, count>) {
          dot_tile<T, count>(x.k, stop - q, few + i * few_row, few_row, many + q * many_row, many_row, x.alpha, x.beta,
                             x.c + i * c_row + q * c_column, c_row, c_column,
                             bias ? bias + (transposed ? i : q) : nullptr, bias_row, 1 - bias_row, relu);
        };
        if (r == most)
          call(std::integral_constant<int, most>());
        else if (r == 2)
          call(std::integral_constant<int, 2>());
        else
          call(std::integral_constant<int, 1>());
      }
      i += r;
    }
  }
}

template <class T>
void gemm(const Product<T>& x) {
  if (x.m <= 0 || x.n <= 0) return;
  if (x.is_dot() || x.is_dot_transposed()) {
    const bool transposed = !x.is_dot();
    const Index columns = transposed ? x.m : x.n;
    const Index groups = (columns + lanes<T> - 1) / lanes<T>;
    parallel_for(groups, work_per_thread / (x.m * x.n * x.k / groups + 1) + 1, [&](Index begin, Index end) {
      gemm_dot(x, transposed, begin * lanes<T>, end * lanes<T> < columns ? end * lanes<T> : columns);
    });
    return;
  }
  const Index tiles = x.tiles();
  const Index panels = x.panels();
  const bool pack_a = x.trans_a && panels > 1;
  Index block = tiles;  // of A^T that is packed at a time
  if (pack_a) {
    const Index most = (Index{4} << 20) / (static_cast<Index>(sizeof(T)) * tile_rows * x.k + 1);
    const Index least = 16;
    block = tiles < least || most < least ? least : most;
    if (block > tiles) block = tiles;
  }
  for (Index first = 0; first < tiles; first += block) {
    const Index here = tiles - first < block ? tiles - first : block;
    T* const packed = pack_a ? workspace<1>().template get<T>(here * tile_rows * x.k) : nullptr;
    if (pack_a)
      parallel_for(here, 32768 / (x.k + 1) + 1, [&](Index begin, Index end) {
        const Index i = (first + begin) * tile_rows;
        const Index i_end = (first + end) * tile_rows < x.m ? (first + end) * tile_rows : x.m;
        pack_tiles(x.k, i_end - i, x.a + i, x.lda, packed + begin * tile_rows * x.k);
      });
    // Units of a few tiles of one panel, panel by panel: a thread gets a run of them and packs its panels itself.
    const Index chunk = here < 16 ? 1 : here / 8;
    const Index chunks = (here + chunk - 1) / chunk;
    const Index unit_work = chunk * tile_rows * (x.n / panels + 1) * x.k;
    parallel_for(panels * chunks, work_per_thread / (unit_work + 1) + 1, [&](Index unit, Index end) {
      while (unit < end) {
        const Index panel = unit / chunks;
        const Index from = unit % chunks;
        const Index to = from + (end - unit) < chunks ? from + (end - unit) : chunks;
        const Index tile_end = to * chunk < here ? to * chunk : here;
        gemm_panel(x, panel, first + from * chunk, first + tile_end, packed, first);
        unit += to - from;
      }
    });
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
