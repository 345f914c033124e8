// Products with weights that lie in memory as the panels which the tiles of float read.
#pragma once

#include <cstdint>

#include <gloss/kernels/gemm/float_weights_kernels.hpp>
#include <gloss/kernels/gemm/pack.hpp>
#include <gloss/kernels/gemm/panels.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Where weights [n, k] of float lie. Panels are those of the instruction set in use when the object is made, which is
/// the one that products with it use.
struct FloatWeights {
  Index n = 0, k = 0;
  float* numbers = nullptr;  // [panels, k, width], zeros where W ends
  const detail::FloatWeightsKernels<float>* kernels = &GLOSS_ON_ISA(detail::float_weights_kernels<float>);

  /// Columns of a panel: 1, W as it is, where products read it so.
  Index width() const {
#ifdef GLOSS_BACKEND_EIGEN
    return 1;
#else
    return n <= 8 ? 1 : kernels->tiles->width();
#endif
  }
  Index panel_columns() const { return width(); }
  /// Rows [first, first + count) of the weights, in the same memory; first is a multiple of a panel's columns, and
  /// count large enough for panels as wide.
  FloatWeights part(Index first, Index count) const { return {count, k, numbers + first * k, kernels}; }
  /// How much memory they take, and where it is; aligned to 4 bytes.
  Index bytes() const { return panels() * panel_size() * 4; }
  void place(std::uint8_t* memory) { numbers = reinterpret_cast<float*>(memory); }
  Index panels() const { return (n + width() - 1) / width(); }
  Index panel_size() const { return k * width(); }
  /// Where W[j, p] is.
  Index at(Index j, Index p) const { return j / width() * panel_size() + p * width() + j % width(); }
};

/// Packs W [n, k].
inline void pack_weight(const float* weight, Index ld, const FloatWeights& to) {
  parallel_for(to.panels(), 65536 / (to.panel_size() + 1) + 1, [=](Index begin, Index end) {
    const Index width = to.width();
    for (Index j = begin * width; j < end * width && j < to.n; j += width) {
      const float* const rows = weight + j * ld;
      float* const out = to.numbers + j * to.k;
      if (width == 1)
        for (Index p = 0; p < to.k; ++p) out[p] = rows[p];
      else
        detail::pack_columns(*to.kernels->tiles, to.k, to.n - j < width ? to.n - j : width, width, rows, ld, out);
    }
  });
}

/// out [k] = factor * row j of the weights.
inline void unpack_row(const FloatWeights& w, Index j, float factor, float* out) {
  for (Index p = 0; p < w.k; ++p) out[p] = factor * w.numbers[w.at(j, p)];
}

#ifndef GLOSS_BACKEND_EIGEN
namespace detail {
/// c = x times a panel's columns, of few rows: the bits of gemm_dot. While a block is read, the next one is fetched.
inline void few_rows_by_panel(const FloatWeights& w, Index panel, const DotGroups<float>& groups, Index columns,
                              float* c, Index ldc) {
  const GemmKernels<float>& tiles = *w.kernels->tiles;
  const Index width = w.width(), lanes = tiles.lanes;
  const Index size = 4 * lanes * width;  // of the chains of one row, and no less than those of most_dots
  const Index block = 32 * lanes;        // along k, of a panel's part that all rows visit before the next one is read
  constexpr Index line = 16;
  const Index count = groups.count(), lines = width / line;
  const float* const b = w.numbers + panel * w.panel_size();
  float* const all_sums = workspace<0>().get<float>(count * size);
  for (Index begin = 0; begin == 0 || begin < w.k; begin += gemm_dot_piece) {
    const Index end = w.k - begin < gemm_dot_piece ? w.k : begin + gemm_dot_piece;
    Index first = begin;
    do {
      const Index last = first + block < end ? first + block : end;
      const bool is_last = panel + 1 == w.panels() && last == w.k;
      for (Index g = 0; g < count; ++g) {
        const auto [row, rows, r, x, ldx] = groups[g];
        float* const sums = all_sums + g * size;
        const Index chains = r == 1 ? 4 * lanes : lanes;
        const Index done = lines * g / count, share = is_last ? 0 : lines * (g + 1) / count - done;
        Index p = first;
        const auto go_on = [&, r = r, x = x, ldx = ldx](Index some, Index repeats, Index chain) {
          const float* const next = b + (share > 0 ? last * width + (last - first) * done * line : 0);
          w.kernels->chains[r == tiles.most_dots](some, repeats, x + p, ldx, b + p * width, p > begin || some < chains,
                                                  sums + chain * r * width, {next + (p - first) * share * line, line},
                                                  share);
          p += some * repeats;
        };
        go_on(chains, (last - p) / chains, 0);
        if (r == 1) go_on(lanes, (last - p) / lanes, 0);  // what gemm_dots_of_one does with the rest of a row
        go_on(last - p, 1, r == 1 ? lanes : 0);
      }
      first += block;
    } while (first < end);
    for (Index g = 0; g < count; ++g) {
      const auto group = groups[g];
      w.kernels->fold[group.rows_with_zeros == tiles.most_dots](all_sums + g * size, group.rows, columns, begin > 0,
                                                                c + group.first * ldc, ldc);
    }
  }
}

/// c = x times a panel's columns, of many rows: the bits of gemm_step. Each tile fetches its share of what follows, so
/// that none waits for memory.
inline void rows_by_panel(const FloatWeights& w, Index panel, Index rows, const float* x, Index ldx, Index columns,
                          float* c, Index ldc) {
  const GemmKernels<float>& tiles = *w.kernels->tiles;
  const Index width = w.width(), step = gemm_depth<float>(w.k);
  const Index share = (width * tile_rows + rows - 1) / rows;
  const float* b = w.numbers + panel * w.panel_size();
  Index p = 0;
  do {
    const Index depth = w.k - p < step ? w.k - p : step;
    const bool is_last = panel + 1 == w.panels() && p + depth == w.k;
    const float* const next = b + (is_last ? 0 : depth * width);
    for (Index i = 0; i < rows; i += tile_rows) {
      const Index stop = rows - i < tile_rows ? rows - i : tile_rows;
      float* const out = c + i * ldc;
      for (Index r = 0; r < stop; ++r)  // as gemm_step does
        for (Index q = 0; q < columns; q += 16) GLOSS_PREFETCH(out + r * ldc + q, 1);
      if (stop == tile_rows && columns == width)
        w.kernels->tile(depth, x + i * ldx + p, ldx, 1, b, width, out, ldc, 1, p > 0,
                        {next + i / tile_rows * depth * share, share});
      else
        gemm_rows<float>(tiles, stop, columns, tiles.width(columns), depth, x + i * ldx + p, ldx, 1, b, width, out, ldc,
                         1, p > 0);
    }
    b += depth * width, p += depth;
  } while (p < w.k);
}
}  // namespace detail
#endif

/// y = finish(act(x W^T + bias)): the bits of gemm's product by W, with any number of rows.
/// Shape: x [rows, k] with rows ldx apart, y [rows, n] with rows ldy apart
inline void packed_product(const FloatWeights& w, Index rows, const float* x, Index ldx, float* y, Index ldy,
                           const Epilogue<float>& epilogue) {
  if (rows <= 0 || w.n <= 0) return;
  if (w.width() == 1) return gemm<float>(false, true, rows, w.n, w.k, 1, x, ldx, w.numbers, w.k, 0, y, ldy, epilogue);
#ifndef GLOSS_BACKEND_EIGEN
  if (rows <= detail::most_dot_rows) {
    const detail::DotGroups<float> groups(*w.kernels->tiles, rows, w.k, x, ldx);
    return detail::each_panel(rows, w.n, 4 * w.k, w.width(), y, ldy, epilogue,
                              [&](Index panel, Index, Index, Index columns, float* c) {
                                detail::few_rows_by_panel(w, panel, groups, columns, c, ldy);
                              });
  }
  const Index most = w.panels() >= 2 * num_threads() ? 96 : 24;  // rows at once
  detail::each_panel(
      rows, w.n, 4 * w.k, w.width(), y, ldy, epilogue,
      [&](Index panel, Index i, Index r, Index columns, float* c) {
        detail::rows_by_panel(w, panel, r, x + i * ldx, ldx, columns, c, ldy);
      },
      most);
#endif
}

}  // namespace gloss::inline GLOSS_ABI::kernels
