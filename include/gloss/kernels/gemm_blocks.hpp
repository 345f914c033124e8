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
  /// The depth of the block that begins at p.
  Index depth_at(Index p) const { return k - p < depth() ? k - p : depth(); }
  /// Few rows against the rows of B: read B once, in its own order.
  bool is_dot() const { return !trans_a && trans_b && m <= 8; }
  bool is_dot_transposed() const { return !trans_a && n <= 8 && (trans_b || (n == 1 && ldb == 1)); }
};

/// Adds rows [p, p + depth) of op(B) to tiles [tile, tile_end) of one panel of C. packed_a: those tiles of A^T, or
/// null.
template <class T>
void gemm_step(const Product<T>& x, Index panel, Index p, Index tile, Index tile_end, const T* packed_a) {
  const Index j = x.panel_begin(panel);
  const Index width = x.panel_begin(panel + 1) - j;
  const Index columns = x.n - j < width ? x.n - j : width;
  const Index k = x.depth_at(p);
  const T* b = x.trans_b ? x.b + j * x.ldb + p : x.b + p * x.ldb + j;
  Index b_step = x.ldb;
  const bool in_place = !x.trans_b && columns == width && tile_end - tile <= 2;  // too few rows to pay for a copy
  if (!in_place) {
    T* const packed_b = workspace<0>().template get<T>(x.depth() * width);
    if (x.trans_b)
      pack_columns(k, columns, width, b, x.ldb, packed_b);
    else
      pack_rows(k, columns, width, b, x.ldb, packed_b);
    b = packed_b;
    b_step = width;
  }
  const bool last = p + k == x.k;
  const TileEnd<T> end{x.alpha, p == 0 ? x.beta : T(1), last && x.epilogue.bias ? x.epilogue.bias + j : nullptr,
                       last && x.epilogue.activation == Activation::relu};
  const auto& functions = tile_functions<T>[static_cast<std::size_t>(width / lanes<T> - 1)];
  const Index a_row = x.trans_a ? 1 : x.lda;
  const Index a_step = packed_a ? tile_rows : x.trans_a ? x.lda : 1;
  for (Index t = tile; t < tile_end; ++t) {
    const Index i = t * tile_rows;
    const Index rows = x.m - i < tile_rows ? x.m - i : tile_rows;
    const T* a = packed_a    ? packed_a + (t - tile) * packed_tile_size<T>(k)
                 : x.trans_a ? x.a + p * x.lda + i
                             : x.a + i * x.lda + p;
    const TileFunction<T> function = functions[static_cast<std::size_t>(rows - 1)];
    T* c = x.c + i * x.ldc + j;
    if (columns == width)
      function(k, a, a_row, a_step, b, b_step, c, x.ldc, end);
    else
      gemm_edge_tile<T>(function, rows, width, columns, k, a, a_row, a_step, b, b_step, c, x.ldc, end);
  }
}

/// C by panels: a thread gets a run of them, the first and the last perhaps not in full height, and packs them itself.
template <class T>
void gemm_by_panels(const Product<T>& x) {
  const Index tiles = x.tiles();
  const Index chunk = tiles < 32 ? 1 : tiles / 16;  // tiles of one panel that stay together
  const Index chunks = (tiles + chunk - 1) / chunk;
  const Index chunk_work = chunk * tile_rows * (x.n / x.panels() + 1) * x.k;
  parallel_for(x.panels() * chunks, work_per_thread / (chunk_work + 1) + 1, [&](Index unit, Index end) {
    while (unit < end) {
      const Index from = unit % chunks;
      const Index to = from + (end - unit) < chunks ? from + (end - unit) : chunks;
      const Index tile_end = to * chunk < tiles ? to * chunk : tiles;
      Index p = 0;
      do {
        gemm_step<T>(x, unit / chunks, p, from * chunk, tile_end, nullptr);
        p += x.depth_at(p);
      } while (p < x.k);
      unit += to - from;
    }
  });
}

/// C by blocks of rows, for op(A) = A^T, whose tiles must be packed: each thread packs its own block, so that no core
/// waits for what another has just written.
template <class T>
void gemm_by_rows(const Product<T>& x) {
  constexpr Index most = 2048 / tile_rows, least = 96 / tile_rows;
  const Index tiles = x.tiles();
  const Index panels = x.panels();
  const Index threads = num_threads();
  Index blocks = tiles / least < threads ? tiles / least : threads;
  if (blocks * most < tiles) blocks = (tiles + most - 1) / most;
  if (blocks < 1) blocks = 1;
  const Index unit_work = x.m / blocks * (x.n / panels + 1) * x.k;
  parallel_for(blocks * panels, work_per_thread / (unit_work + 1) + 1, [&](Index unit, Index end) {
    while (unit < end) {
      const Index block = unit / panels;
      const Index from = unit % panels;
      const Index to = from + (end - unit) < panels ? from + (end - unit) : panels;
      const Index tile = tiles * block / blocks;
      const Index tile_end = tiles * (block + 1) / blocks;
      const Index i = tile * tile_rows;
      const Index rows = (x.m < tile_end * tile_rows ? x.m : tile_end * tile_rows) - i;
      T* const packed = workspace<1>().template get<T>((tile_end - tile) * packed_tile_size<T>(x.depth()));
      for (Index p = 0; p < x.k; p += x.depth_at(p)) {
        pack_tiles(x.depth_at(p), rows, x.a + p * x.lda + i, x.lda, packed);
        for (Index panel = from; panel < to; ++panel) gemm_step<T>(x, panel, p, tile, tile_end, packed);
      }
      unit += to - from;
    }
  });
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
void gemm_by_dots(const Product<T>& x) {
  const bool transposed = !x.is_dot();
  const Index columns = transposed ? x.m : x.n;
  const Index groups = (columns + lanes<T> - 1) / lanes<T>;
  parallel_for(groups, work_per_thread / (x.m * x.n * x.k / groups + 1) + 1, [&](Index begin, Index end) {
    gemm_dot(x, transposed, begin * lanes<T>, end * lanes<T> < columns ? end * lanes<T> : columns);
  });
}

template <class T>
void gemm(const Product<T>& x) {
  if (x.m <= 0 || x.n <= 0) return;
  if (x.is_dot() || x.is_dot_transposed())
    gemm_by_dots(x);
  else if (x.trans_a && x.k > (x.panels() > 1 ? 8 : 128))  // a shallow or narrow product reads A^T as it lies
    gemm_by_rows(x);
  else
    gemm_by_panels(x);
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
