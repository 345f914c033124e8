// How a matrix product is cut: panels of B packed by the thread that uses them, tiles of C in registers.
#pragma once

#include <atomic>
#include <type_traits>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm/pack.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// k is cut into blocks of equal depth, so that a panel of B stays in the second-level cache, tiles of A in the first.
template <class T>
constexpr Index gemm_depth(Index k) {
  constexpr Index most = 2048 / sizeof(T);
  const Index blocks = (k + most - 1) / most;
  return k > most ? ((k + blocks - 1) / blocks + 7) / 8 * 8 : k;
}

/// Rows of A that are few against those of B.
inline constexpr Index most_dot_rows = 16;

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
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);

  // C is cut into tiles of tile_rows rows and into panels of a tile's width; the last may be less.
  Index tiles() const { return (m + tile_rows - 1) / tile_rows; }
  Index panels() const { return (n + kernels.width() - 1) / kernels.width(); }
  Index depth() const { return gemm_depth<T>(k); }
  /// The depth of the block that begins at p.
  Index depth_at(Index p) const { return k - p < depth() ? k - p : depth(); }
  /// Few rows against the rows of B: read B once, in its own order.
  bool is_dot() const { return !trans_a && trans_b && m <= most_dot_rows; }
  bool is_dot_transposed() const { return !trans_a && n <= 8 && (trans_b || (n == 1 && ldb == 1)); }
};

/// The end of a block of C from element (i, j) on, after its last sum.
template <class T>
void gemm_end(const Product<T>& x, Index i, Index j, Index rows, Index columns) {
  const Epilogue<T>& e = x.epilogue;
  T* const c = x.c + i * x.ldc + j;
  const bool relu = e.activation == Activation::relu;
  if (e.bias != nullptr || relu) x.kernels.end(rows, columns, c, x.ldc, e.bias != nullptr ? e.bias + j : nullptr, relu);
  if (e.finish) e.finish(e.how, i, j, rows, columns, c, x.ldc);
}

/// A tile of which only some rows and columns exist in C: computed beside C, then copied.
template <class T>
void gemm_edge_tile(typename GemmKernels<T>::Tile* tile, Index rows, Index columns, Index width, Index k, const T* a,
                    Index a_row, Index a_step, const T* b, Index b_step, T* c, Index ldc, T alpha, T beta) {
  T block[tile_rows * max_vectors * max_lanes];
  const std::size_t bytes = static_cast<std::size_t>(columns) * sizeof(T);
  if (beta != T(0)) {
    std::memset(block, 0, sizeof block);
    for (Index i = 0; i < rows; ++i) std::memcpy(block + i * width, c + i * ldc, bytes);
  }
  tile(k, a, a_row, a_step, b, b_step, block, width, alpha, beta);
  for (Index i = 0; i < rows; ++i) std::memcpy(c + i * ldc, block + i * width, bytes);
}

/// Up to tile_rows rows of C and `columns` of a panel's width. A tile that is not whole is done two rows at a time; a
/// single row stands for two.
template <class T>
void gemm_rows(const GemmKernels<T>& kernels, Index stop, Index columns, Index width, Index k, const T* a, Index a_row,
               Index a_step, const T* b, Index b_step, T* c, Index ldc, T alpha, T beta) {
  for (Index i = 0, rows; i < stop; i += rows) {
    rows = stop == tile_rows ? tile_rows : stop - i >= 2 ? 2 : 1;
    typename GemmKernels<T>::Tile* const function = kernels.tile[rows == tile_rows][width == kernels.width()];
    if (columns == width && rows > 1)
      function(k, a + i * a_row, a_row, a_step, b, b_step, c + i * ldc, ldc, alpha, beta);
    else
      gemm_edge_tile<T>(function, rows, columns, width, k, a + i * a_row, rows > 1 ? a_row : 0, a_step, b, b_step,
                        c + i * ldc, ldc, alpha, beta);
  }
}

/// What panels_together is at most.
inline constexpr Index most_together = 8;

/// How many panels of B meet a tile of A one after the other. A that does not fit into the second-level cache comes
/// from afar once for all of them; they share the cache meanwhile.
template <class T>
Index panels_together(const Product<T>& x) {
  constexpr Index cached = 512 * 1024 / static_cast<Index>(sizeof(T));
  if (x.m * x.depth() <= cached / 2) return 1;
  const Index n = cached / (x.depth() * x.kernels.width());
  return n < 1 ? 1 : n < most_together ? n : most_together;
}

/// Adds rows [p, p + depth) of op(B) to tiles [tile, tile_end) of panels [panel, panel_end) of C, which are at most
/// panels_together. packed_a: those tiles of A^T, or null.
template <class T>
void gemm_step(const Product<T>& x, Index panel, Index panel_end, Index p, Index tile, Index tile_end,
               const T* packed_a) {
  const GemmKernels<T>& kernels = x.kernels;
  struct Panel {
    Index j, columns, width;
    const T* b;
    Index b_step;
  } panels[most_together];
  const Index k = x.depth_at(p);
  const Index size = x.depth() * kernels.width();
  T* const packed = workspace<0>().template get<T>((panel_end - panel) * size);
  for (Index q = panel; q < panel_end; ++q) {
    const Index j = q * kernels.width();
    const Index columns = x.n - j < kernels.width() ? x.n - j : kernels.width();
    const Index width = kernels.width(columns);
    const T* b = x.trans_b ? x.b + j * x.ldb + p : x.b + p * x.ldb + j;
    const bool in_place = !x.trans_b && columns == width && tile_end - tile <= 2;  // too few rows to pay for a copy
    panels[q - panel] = {j, columns, width, b, x.ldb};
    if (in_place) continue;
    T* const packed_b = packed + (q - panel) * size;
    if (x.trans_b)
      pack_columns(kernels, k, columns, width, b, x.ldb, packed_b, x.n - j - columns);
    else
      pack_rows(k, columns, width, b, x.ldb, packed_b);
    panels[q - panel].b = packed_b;
    panels[q - panel].b_step = width;
  }
  const bool last = p + k == x.k;
  const T beta = p == 0 ? x.beta : T(1);
  const Index a_row = x.trans_a ? 1 : x.lda;
  const Index a_step = packed_a ? tile_rows : x.trans_a ? x.lda : 1;
  const Index row_end = tile_end * tile_rows < x.m ? tile_end * tile_rows : x.m;
  for (Index t = tile; t < tile_end; ++t) {
    const T* a = packed_a    ? packed_a + (t - tile) * packed_tile_size<T>(k)
                 : x.trans_a ? x.a + p * x.lda + t * tile_rows
                             : x.a + t * tile_rows * x.lda + p;
    const Index stop = row_end - t * tile_rows < tile_rows ? row_end - t * tile_rows : tile_rows;
    for (Index q = 0; q < panel_end - panel; ++q) {
      const Panel& b = panels[q];
      T* const c = x.c + t * tile_rows * x.ldc + b.j;
      for (Index r = 0; r < stop; ++r)  // C comes while the sums are made: stores would wait for it
        for (Index i = 0; i < b.columns; i += 64 / static_cast<Index>(sizeof(T))) GLOSS_PREFETCH(c + r * x.ldc + i, 1);
      gemm_rows(kernels, stop, b.columns, b.width, k, a, a_row, a_step, b.b, b.b_step, c, x.ldc, x.alpha, beta);
      if (last) gemm_end(x, t * tile_rows, b.j, stop, b.columns);
    }
  }
}

/// C by panels: a thread gets a run of them, the first and the last perhaps not in full height, and packs them itself.
/// Of several products, all alike but in their pointers, it does the same run of each one after the other.
template <class T>
void gemm_by_panels(const Product<T>* products, Index count) {
  const Product<T>& x = products[0];
  const Index tiles = x.tiles();
  const Index chunk = tiles < 32 ? 1 : tiles / 16;  // tiles of one panel that stay together
  const Index chunks = (tiles + chunk - 1) / chunk;
  const Index together = panels_together(x);
  const Index chunk_work = chunk * tile_rows * (x.n / x.panels() + 1) * x.k * count;
  parallel_for(x.panels() * chunks, work_per_thread / (chunk_work + 1) + 1, [&](Index unit, Index end) {
    while (unit < end) {
      const Index from = unit % chunks;
      const Index to = from + (end - unit) < chunks ? from + (end - unit) : chunks;
      const Index tile_end = to * chunk < tiles ? to * chunk : tiles;
      const Index panel = unit / chunks, whole = to - from == chunks ? (end - unit) / chunks : 1;
      const Index panel_end = panel + (whole < together ? whole : together);
      for (Index q = 0; q < count; ++q) {
        Index p = 0;
        do {
          gemm_step<T>(products[q], panel, panel_end, p, from * chunk, tile_end, nullptr);
          p += x.depth_at(p);
        } while (p < x.k);
      }
      unit += (to - from) * (panel_end - panel);
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
  const Index together = panels_together(x);
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
        for (Index panel = from, panel_end; panel < to; panel = panel_end) {
          panel_end = to - panel < together ? to : panel + together;
          gemm_step<T>(x, panel, panel_end, p, tile, tile_end, packed);
        }
      }
      unit += to - from;
    }
  });
}

/// Dot products are summed in pieces of so many elements, so that long ones keep their digits.
inline constexpr Index gemm_dot_piece = 16384;

/// Few rows in the groups that dots multiply at once: most_dots of them, and at last those that are left, filled up
/// with zeros unless it is only one. The copy lies in the second workspace.
template <class T>
class DotGroups {
 public:
  struct Group {
    Index first, rows, rows_with_zeros;
    const T* x;
    Index ldx;
  };
  /// Shape: x [rows, k] with rows ldx apart
  DotGroups(const GemmKernels<T>& kernels, Index rows, Index k, const T* x, Index ldx)
      : rows_(rows), most_(kernels.most_dots), k_(k), x_(x), ldx_(ldx) {
    const Index left = rows % most_;
    if (left < 2 || k == 0) return;
    T* const copy = workspace<1>().template get<T>(most_ * k);
    for (Index r = 0; r < most_; ++r)
      if (r < left)
        std::memcpy(copy + r * k, x + (rows - left + r) * ldx, static_cast<std::size_t>(k) * sizeof(T));
      else
        std::memset(copy + r * k, 0, static_cast<std::size_t>(k) * sizeof(T));
    filled_ = copy;
  }
  Index count() const { return (rows_ + most_ - 1) / most_; }
  Index count_of_several() const { return most_ == 1 ? 0 : count() - (rows_ % most_ == 1); }
  Group operator[](Index g) const {
    const Index first = g * most_, rows = rows_ - first < most_ ? rows_ - first : most_;
    if (rows == 1 || rows == most_) return {first, rows, rows, x_ + first * ldx_, ldx_};
    return {first, rows, most_, filled_, k_};
  }

 private:
  Index rows_, most_, k_;
  const T* x_;
  Index ldx_;
  const T* filled_ = nullptr;
};

/// The rows of which there are few: A's, or op(B)'s columns in the transposed form.
template <class T>
DotGroups<T> dot_groups(const Product<T>& x, bool transposed) {
  if (!transposed) return {x.kernels, x.m, x.k, x.a, x.lda};
  return {x.kernels, x.n, x.k, x.b, x.n == 1 && !x.trans_b ? x.k : x.ldb};
}

/// Columns [j, j_end) of C by dot products; the transposed form takes rows of C for columns.
template <class T>
void gemm_dot(const Product<T>& x, bool transposed, const DotGroups<T>& groups, Index j, Index j_end) {
  const T* many = transposed ? x.a : x.b;
  const Index many_row = transposed ? x.lda : x.ldb;
  const Index c_row = transposed ? 1 : x.ldc;
  const Index c_column = transposed ? x.ldc : 1;
  const GemmKernels<T>& kernels = x.kernels;
  const Index w = kernels.lanes;
  constexpr Index piece = gemm_dot_piece;
  T total[max_lanes], part[max_lanes];
  for (; j < j_end; j += w) {  // columns that all rows visit before the next ones are read
    const Index stop = j + w < j_end ? j + w : j_end;
    for (Index g = 0; g < groups.count(); ++g) {
      const typename DotGroups<T>::Group group = groups[g];
      const Index r = group.rows_with_zeros, at_once = w / r;
      auto* const dots = kernels.dots[r == kernels.most_dots];
      for (Index q = j; q < stop; q += at_once) {
        const Index columns = stop - q < at_once ? stop - q : at_once;
        Index ahead = 0, rows_ahead = 0;
        if (r > 1 && q + w + at_once <= j_end) {  // these groups share the fetching of as many columns that follow
          const Index sharing = groups.count_of_several();
          ahead = q + w + at_once * g / sharing;
          rows_ahead = q + w + at_once * (g + 1) / sharing - ahead;
        }
        const T* const p_many = many + q * many_row;
        const auto piece_of_dots = [&](Index p, T* out) {
          dots(x.k - p < piece ? x.k - p : piece, columns, group.x + p, group.ldx, p_many + p, many_row, out,
               rows_ahead > 0 ? many + ahead * many_row + p : nullptr, rows_ahead);
        };
        piece_of_dots(0, total);
        for (Index p = piece; p < x.k; p += piece) {
          piece_of_dots(p, part);
          for (Index s = 0; s < w; ++s) total[s] += part[s];
        }
        for (Index s = 0; s < group.rows; ++s)
          for (Index u = 0; u < columns; ++u) {
            T& out = x.c[(group.first + s) * c_row + (q + u) * c_column];
            const T value = x.alpha * total[s * at_once + u];
            out = x.beta != T(0) ? value + x.beta * out : value;
          }
      }
    }
    if (transposed)
      gemm_end(x, j, 0, stop - j, x.n);
    else
      gemm_end(x, 0, j, x.m, stop - j);
  }
}

template <class T>
void gemm_by_dots(const Product<T>& x) {
  const bool transposed = !x.is_dot();
  const Index columns = transposed ? x.m : x.n;
  const Index w = x.kernels.lanes;
  const Index blocks = (columns + w - 1) / w;
  const DotGroups<T> groups = dot_groups(x, transposed);
  parallel_for(blocks, work_per_thread / (x.m * x.n * x.k / blocks + 1) + 1, [&](Index begin, Index end) {
    gemm_dot(x, transposed, groups, begin * w, end * w < columns ? end * w : columns);
  });
}

/// `count` products, all alike but in their pointers and beta, none of them empty, in the precision of T.
template <class T>
void gemm_in_full(const Product<T>* products, Index count) {
  const Product<T>& x = products[0];
  if (x.is_dot() || x.is_dot_transposed())
    for (Index q = 0; q < count; ++q) gemm_by_dots(products[q]);
  else if (x.trans_a && x.k > (x.panels() > 1 ? 8 : 128))  // a shallow or narrow product reads A^T as it lies
    for (Index q = 0; q < count; ++q) gemm_by_rows(products[q]);
  else
    gemm_by_panels(products, count);
}

/// What computes products of float instead where a program asks for another precision (kernels/gemm/bfloat16.hpp), and
/// says whether it did; null otherwise.
inline constinit std::atomic<bool (*)(const Product<float>* products, Index count)> other_gemm{nullptr};

/// `count` products, all alike but in their pointers and beta.
template <class T>
void gemm(const Product<T>* products, Index count) {
  if (products->m <= 0 || products->n <= 0) return;
  if constexpr (std::is_same_v<T, float>)
    if (auto* const other = other_gemm.load(std::memory_order_relaxed); other && other(products, count)) return;
  gemm_in_full(products, count);
}
template <class T>
void gemm(const Product<T>& x) {
  gemm(&x, 1);
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
