// Convolutions of 3x3 kernels by Winograd's minimal filtering: with stride 1 a tile of 2x2 places takes 16 products of
// transformed cells and weights instead of 36, in 16 matrix products whose factors stay in the cache. With stride 2 it
// takes 25: along an axis the even cells meet two taps of the kernel, three products for two places, the odd cells one.
// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, section 4.1:
//   Y = A^T [(G g G^T) . (B^T d B)] A for a kernel g and 4x4 cells d.
#pragma once

#include <gloss/kernels/conv/cells.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// What conv/winograd.inc defines for one instruction set.
template <class T>
struct WinogradKernels {
  void (*cells)(Index width, const T* d, T* v, Index step);
  void (*sums)(Index width, const T* m, Index step, T bias, T* y);
  void (*weight)(Index ins, const T* g, T* u, Index step);
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#define GLOSS_ISA_FILE <gloss/kernels/conv/winograd.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Cells of a tile along an axis.
inline Index winograd_cells_across(const Conv& c) { return c.h.stride == 1 ? 4 : 5; }
/// The tiles as places: windows of their cells.
inline Conv winograd_tiles(const Conv& c) {
  const auto tiles = [&](const Window& a) {
    return Window{a.in, (a.out + 1) / 2, winograd_cells_across(c), 2 * a.stride, a.before, 1};
  };
  return {c.batch, c.groups, c.ins, c.outs, tiles(c.h), tiles(c.w)};
}
/// Whether the transforms pay.
inline bool suits_winograd(const Conv& c) {
  const auto three = [&](const Window& a) { return a.kernel == 3 && a.stride == c.h.stride && a.dilation == 1; };
  return c.h.stride <= 2 && three(c.h) && three(c.w) && c.ins >= 8 && c.outs >= 8 &&
         c.batch * winograd_tiles(c).places() >= 48;
}
/// Numbers of scratch memory: the transformed weight and the copies of the cells.
inline Index winograd_scratch(const Conv& c) {
  const Conv tiles = winograd_tiles(c);
  return c.groups * tiles.taps() * c.outs * c.ins + conv_copies(tiles, Plane::copied(tiles.h, tiles.w));
}

/// Some neighbouring places of y that tiles side by side give; where they begin among the panel's tiles.
struct TilePiece {
  Index y, tile, columns;
  bool both_rows;
};

/// Rows [o, o_end) of a group's channels of y for tiles [q, q + columns) of the images. v: the tiles' cells,
/// transformed; step from one of their `cells` elements to the next.
template <class T>
void winograd_panel(const Conv& c, const GemmKernels<T>& kernels, const WinogradKernels<T>& transforms, Index cells,
                    Index width, const T* v, Index step, const T* u, Index o, Index o_end, const T* bias,
                    const TilePiece* pieces, Index n, T* y) {
  constexpr Index at_once = 4 * tile_rows;  // channels whose products are summed before they are transformed
  const Index m_step = at_once * width + 64 / static_cast<Index>(sizeof(T));
  T* const m = workspace<1>().template get<T>(cells * m_step);
  T rows[4 * max_vectors * max_lanes];
  for (; o < o_end; o += at_once) {
    const Index count = o_end - o < at_once ? o_end - o : at_once;
    for (Index e = 0; e < cells; ++e)
      for (Index i = 0; i < count; i += tile_rows)
        gemm_rows(kernels, count - i < tile_rows ? count - i : tile_rows, width, width, c.ins,
                  u + (e * c.outs + o + i) * c.ins, c.ins, Index{1}, v + e * step, width, m + e * m_step + i * width,
                  width, T(1), T(0));
    for (Index i = 0; i < count; ++i) {
      transforms.sums(width, m + i * width, m_step, bias ? bias[o + i] : T(0), rows);
      T* const plane = y + (o + i) * c.places();
      for (const TilePiece* p = pieces; p < pieces + n; ++p) {
        const std::size_t bytes = static_cast<std::size_t>(p->columns) * sizeof(T);
        std::memcpy(plane + p->y, rows + 2 * p->tile, bytes);
        if (p->both_rows) std::memcpy(plane + p->y + c.w.out, rows + 2 * (width + p->tile), bytes);
      }
    }
  }
}

/// Cuts tiles [q, q + count) of the images; returns how many pieces.
inline Index cut_tiles(const Conv& c, const Conv& tiles, Index q, Index count, TilePiece* pieces) {
  Index n = 0;
  for (Index done = 0, length; done < count; done += length, ++n) {
    const Index at = q + done, row = at / tiles.w.out, column = at % tiles.w.out, oh = row % tiles.h.out * 2;
    length = tiles.w.out - column < count - done ? tiles.w.out - column : count - done;
    const Index left = c.w.out - 2 * column;
    pieces[n] = {row / tiles.h.out * c.y_image() + oh * c.w.out + 2 * column, done,
                 2 * length < left ? 2 * length : left, oh + 1 < c.h.out};
  }
  return n;
}

/// y as conv_by_panels computes it, by tiles: a thread gets a run of panels of tiles, the first and the last perhaps
/// not with all their channels.
template <class T>
void conv_winograd(const Conv& c, const T* x, const T* weight, const T* bias, T* y, T* scratch) {
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);
  const WinogradKernels<T>& transforms = (GLOSS_ON_ISA(detail::winograd_kernels<T>))[c.h.stride - 1];
  const Conv tiles = winograd_tiles(c);
  const Index taps = tiles.taps(), group_weights = taps * c.outs * c.ins;
  T* const u = scratch;
  parallel_for(c.groups * c.outs, 4096 / c.ins + 1, [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o)
      transforms.weight(c.ins, weight + o * c.ins * 9, u + o / c.outs * group_weights + o % c.outs * c.ins,
                        c.outs * c.ins);
  });
  constexpr Index chunk = 8 * tile_rows;  // channels
  const Index chunks = (c.outs + chunk - 1) / chunk;
  conv_images(tiles, Plane::copied(tiles.h, tiles.w), x, scratch + c.groups * group_weights,
              [&](const ConvCells<T>& cells, Index image, Index images) {
                const Index places = images * tiles.places(), panels = (places + kernels.width() - 1) / kernels.width();
                const Index work = chunk * kernels.width() * c.ins * taps;
                parallel_for(c.groups * panels * chunks, work_per_thread / (work + 1) + 1, [&](Index unit, Index end) {
                  const Index step = c.ins * kernels.width() + 64 / static_cast<Index>(sizeof(T));
                  T* const v = workspace<0>().template get<T>(taps * step);
                  T d[25 * max_vectors * max_lanes + max_lanes];
                  Run runs[max_vectors * max_lanes];
                  TilePiece pieces[max_vectors * max_lanes];
                  const Index* const offsets = tap_offsets(cells.plane);
                  while (unit < end) {
                    const Index from = unit % chunks, to = from + (end - unit) < chunks ? from + (end - unit) : chunks;
                    const Index q = unit / chunks % panels * kernels.width(), group = unit / chunks / panels;
                    const Index columns = places - q < kernels.width() ? places - q : kernels.width();
                    const Index width = kernels.width(columns);
                    const Index n = cells.cut(q, columns, runs);
                    for (Index i = 0; i < c.ins; ++i) {
                      const T* const plane = cells.cells + (group * c.ins + i) * cells.plane.size();
                      for (Index e = 0; e < taps; ++e) {
                        gather_runs(runs, n, Index{1}, plane + offsets[e], d + e * width);
                        for (Index j = columns; j < width; ++j) d[e * width + j] = T(0);
                      }
                      transforms.cells(width, d, v + i * width, step);
                    }
                    winograd_panel(c, kernels, transforms, taps, width, static_cast<const T*>(v), step,
                                   static_cast<const T*>(u) + group * group_weights, from * chunk,
                                   to * chunk < c.outs ? to * chunk : c.outs, bias ? bias + group * c.outs : nullptr,
                                   pieces, cut_tiles(c, tiles, q, columns, pieces),
                                   y + image * c.y_image() + group * c.outs * c.places());
                    unit += to - from;
                  }
                });
              });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
