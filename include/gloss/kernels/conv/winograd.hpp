// Convolutions of 3x3 kernels by Winograd's minimal filtering, all three passes: with stride 1 a tile of 2x2 places
// takes 16 products of transformed cells and weights instead of 36, in 16 matrix products whose factors stay in the
// cache. With stride 2 it takes 25: along an axis the even cells meet two taps of the kernel, three products for two
// places, the odd cells one. A thread turns the cells of some tiles so that channels lie innermost: no row is too short
// for vectors.
// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, section 4.1:
//   Y = A^T [(G g G^T) . (B^T d B)] A for a kernel g and 4x4 cells d, whence
//   dd = B [(G g G^T) . (A dY A^T)] B^T and dg = G^T [(B^T d B) . (A dY A^T)] G.
#pragma once

#include <gloss/kernels/conv/naive.hpp>
#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/gemm/blocks.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// What conv/winograd.inc defines for one instruction set.
template <class T>
struct WinogradKernels {
  void (*cells)(Index tiles, Index channels, const T* x, const Index* at, T* v, Index step);
  void (*cells_back)(Index tiles, Index channels, const T* v, Index step, const Index* at, T* x);
  void (*sums)(Index tiles, Index channels, const T* m, Index step, const T* bias, const Index* at, T* y);
  void (*sums_back)(Index tiles, Index channels, const T* dy, const Index* at, T* m, Index step);
  void (*weight)(Index real, const T* g, Index kernel, Index tap, T* u, Index step);
  void (*weight_back)(Index real, const T* u, Index step, T* g, Index kernel);
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#define GLOSS_ISA_FILE <gloss/kernels/conv/winograd.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Tiles as places: windows of their cells in x, and of their 2x2 places in y.
struct WinogradTiles {
  Window h, w, y_h, y_w;
  Index batch;
  Index images, parts;  // a unit of work is several images, or one of the parts of an image

  explicit WinogradTiles(const Conv& c)
      : h(cells(c.h)), w(cells(c.w)), y_h(places(c.h)), y_w(places(c.w)), batch(c.batch) {
    const Index enough = c.ins * c.outs < 1 << 17 ? 48 : 128;  // tiles for which the weights are read once
    const Index all = down() * across(), rows = enough / across() + 1;
    images = all < enough ? enough / all : 1;
    parts = all <= enough + enough / 3 ? 1 : (down() + rows - 1) / rows;
  }
  Index across() const { return w.out; }
  Index down() const { return h.out; }
  Index taps() const { return h.kernel * w.kernel; }
  Index units() const { return parts > 1 ? batch * parts : (batch + images - 1) / images; }
  Index most_rows() const { return (down() + parts - 1) / parts; }
  Index most() const { return images * most_rows() * across(); }
  /// Which of all tiles is a unit's first.
  Index first(Index unit) const {
    if (parts > 1) return (unit / parts * down() + down() * (unit % parts) / parts) * across();
    return (unit * images < batch ? unit * images : batch) * down() * across();
  }
  /// Calls f(image, first row of tiles, the one behind the last, which of all tiles is the first) for what a unit has.
  template <class F>
  void each_image(Index unit, const F& f) const {
    if (parts > 1) {
      const Index part = unit % parts;
      f(unit / parts, down() * part / parts, down() * (part + 1) / parts, first(unit));
    } else {
      for (Index n = unit * images; n < batch && n < (unit + 1) * images; ++n)
        f(n, Index{0}, down(), n * down() * across());
    }
  }

 private:
  static Window cells(const Window& a) {
    return {a.in, (a.out + 1) / 2, a.stride == 1 ? 4 : 5, 2 * a.stride, a.before, 1};
  }
  static Window places(const Window& a) { return {a.out, (a.out + 1) / 2, 2, 2, 0, 1}; }
};

/// Whether the transforms pay.
inline bool suits_winograd(const Conv& c) {
  const auto three = [&](const Window& a) { return a.kernel == 3 && a.stride == c.h.stride && a.dilation == 1; };
  return c.h.stride <= 2 && three(c.h) && three(c.w) && c.ins >= 8 && c.outs >= 8 &&
         c.batch * ((c.h.out + 1) / 2) * ((c.w.out + 1) / 2) >= 48;
}

/// Elements from one of the numbers of `tiles` tiles to the next: not a multiple of a page, whose lines would compete
/// for the same places in the cache.
template <class T>
Index winograd_step(Index tiles, Index channels) {
  return tiles * channels + 64 / static_cast<Index>(sizeof(T));
}
/// So many channels that they are whole vectors, or whole tiles of a product.
template <class T>
Index whole_vectors(Index channels) {
  const Index w = (GLOSS_ON_ISA(detail::gemm_kernels<T>)).lanes;
  return (channels + w - 1) / w * w;
}
template <class T>
Index whole_tiles(Index channels) {
  const Index w = (GLOSS_ON_ISA(detail::gemm_kernels<T>)).narrow_width();
  return (channels + w - 1) / w * w;
}

/// Rows of tiles of an image's plane with channels innermost, `width` numbers for each cell, in this thread's own
/// memory, and where the cells of each tile lie there. All those beyond the edges are one, which comes first.
template <class T, int slot>
class TurnedPlane {
 public:
  TurnedPlane(const GemmKernels<T>& kernels, const Window& h, const Window& w, Index most_rows, Index width)
      : kernels_(kernels), h_(h), w_(w), width_(width) {
    const Index rows = most_rows * h.stride + h.kernel;
    cells_ = workspace<slot>().template get<T>((1 + (rows < h.in ? rows : h.in) * w.in) * width);
    at_ = workspace<slot + 1>().template get<Index>(most_rows * w.out * h.kernel * w.kernel);
  }

  T* cells() const { return cells_; }
  const Index* at() const { return at_; }
  /// The rows of tiles are [row, end) from now on.
  void move_to(Index row, Index end) {
    if (row == row_ && end == end_) return;
    row_ = row, end_ = end;
    const auto within = [&](Index ih) { return ih < 0 ? 0 : ih < h_.in ? ih : h_.in; };
    first_ = within(row * h_.stride - h_.before);
    count_ = (within((end - 1) * h_.stride - h_.before + h_.kernel) - first_) * w_.in;
    Index* to = at_;
    for (Index oh = row; oh < end; ++oh)
      for (Index ow = 0; ow < w_.out; ++ow)
        for (Index r = 0; r < h_.kernel; ++r)
          for (Index s = 0; s < w_.kernel; ++s) {
            const Index ih = oh * h_.stride - h_.before + r, iw = ow * w_.stride - w_.before + s;
            const bool inside = ih >= 0 && ih < h_.in && iw >= 0 && iw < w_.in;
            *to++ = inside ? (1 + (ih - first_) * w_.in + iw) * width_ : 0;
          }
  }
  /// From and to so many channels of an image.
  void load_from(const T* x, Index channels) const {
    std::memset(cells_, 0, static_cast<std::size_t>(width_) * sizeof(T));
    pack_columns(kernels_, count_, channels, width_, x + first_ * w_.in, h_.in * w_.in, cells_ + width_);
  }
  void store_to(T* x, Index channels) const {
    unpack_columns(kernels_, count_, channels, static_cast<const T*>(cells_ + width_), width_, x + first_ * w_.in,
                   h_.in * w_.in);
  }
  void clear() const { std::memset(cells_, 0, static_cast<std::size_t>((1 + count_) * width_) * sizeof(T)); }

 private:
  const GemmKernels<T>& kernels_;
  Window h_, w_;
  Index width_, row_ = 0, end_ = 0, first_ = 0, count_ = 0;
  T* cells_;
  Index* at_;
};

/// The transformed weight of every group, [taps, ins, whole_tiles(outs)] in the panels that products read. transposed:
/// weight [groups * ins, outs, 3, 3]; turned: the last tap first.
template <class T>
void winograd_weights(const Conv& c, const T* weight, bool transposed, bool turned, T* u) {
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);
  const WinogradKernels<T>& transforms = (GLOSS_ON_ISA(detail::winograd_kernels<T>))[c.h.stride - 1];
  const Index taps = WinogradTiles(c).taps(), padded = whole_tiles<T>(c.outs);
  const Index from_out = transposed ? 9 : c.ins * 9, from_in = transposed ? c.outs * 9 : 9;
  parallel_for(c.groups * c.ins, 4096 / c.outs + 1, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index i = r % c.ins, group = r / c.ins;
      const T* const g = weight + group * c.outs * c.ins * 9 + i * from_in + (turned ? 8 : 0);
      for (Index o = 0; o < padded; o += kernels.lanes) {
        const Index j = o / kernels.width() * kernels.width(), width = kernels.width(c.outs - j);
        const Index left = c.outs > o ? c.outs - o : 0, real = left < kernels.lanes ? left : kernels.lanes;
        transforms.weight(real, g + o * from_out, from_out, turned ? -1 : 1,
                          u + (group * taps * padded + j) * c.ins + i * width + (o - j), c.ins * padded);
      }
    }
  });
}

/// out = in * weight, of the passes that give places or cells: y of x, or with `back` dx of dy. A thread gets a run of
/// units of tiles, the first and the last perhaps not with all their channels.
template <class T>
void winograd_pass(const Conv& c, bool back, const T* in, const T* u, const T* bias, T* out) {
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);
  const WinogradKernels<T>& transforms = (GLOSS_ON_ISA(detail::winograd_kernels<T>))[c.h.stride - 1];
  const WinogradTiles tiles(c);
  const Index taps = tiles.taps(), ins = back ? c.outs : c.ins, outs = back ? c.ins : c.outs;
  const Index in_plane = back ? c.places() : c.cells(), out_plane = back ? c.cells() : c.places();
  const Index padded = whole_tiles<T>(outs), ins_width = whole_vectors<T>(ins);
  const Index chunks = (outs + kernels.width() - 1) / kernels.width();
  const Index work = tiles.most() * ins * kernels.width() * taps;
  parallel_for(c.groups * tiles.units() * chunks, work_per_thread / (work + 1) + 1, [&](Index job, Index end) {
    const Index v_step = winograd_step<T>(tiles.most(), ins_width);
    const Index m_step = winograd_step<T>(tiles.most(), kernels.width(outs));
    T* const v = workspace<0>().template get<T>(taps * v_step);
    T* const m = workspace<1>().template get<T>(taps * m_step);
    const Window &in_h = back ? tiles.y_h : tiles.h, &in_w = back ? tiles.y_w : tiles.w;
    const Window &out_h = back ? tiles.h : tiles.y_h, &out_w = back ? tiles.w : tiles.y_w;
    TurnedPlane<T, 2> from(kernels, in_h, in_w, tiles.most_rows(), ins_width);
    TurnedPlane<T, 4> to(kernels, out_h, out_w, tiles.most_rows(), kernels.width(outs));
    while (job < end) {
      const Index unit = job / chunks % tiles.units(), group = job / chunks / tiles.units();
      const Index first = tiles.first(unit), count = tiles.first(unit + 1) - first;
      tiles.each_image(unit, [&](Index image, Index row, Index row_end, Index tile) {
        from.move_to(row, row_end);
        from.load_from(in + (image * c.groups + group) * ins * in_plane, ins);
        const Index many = (row_end - row) * tiles.across();
        T* const v_tile = v + (tile - first) * ins_width;
        if (back)
          transforms.sums_back(many, ins_width, from.cells(), from.at(), v_tile, v_step);
        else
          transforms.cells(many, ins_width, from.cells(), from.at(), v_tile, v_step);
      });
      for (Index chunk = job % chunks; chunk < chunks && job < end; ++chunk, ++job) {
        const Index o = chunk * kernels.width(), columns = outs - o < kernels.width() ? outs - o : kernels.width();
        const Index width = kernels.width(columns);
        for (Index e = 0; e < taps; ++e)
          for (Index t = 0; t < count; t += tile_rows)
            gemm_rows(kernels, count - t < tile_rows ? count - t : tile_rows, width, width, ins,
                      static_cast<const T*>(v) + e * v_step + t * ins_width, ins_width, Index{1},
                      u + ((group * taps + e) * padded + o) * ins, width, m + e * m_step + t * width, width, T(1),
                      T(0));
        T start[max_vectors * max_lanes] = {};
        if (bias != nullptr) std::memcpy(start, bias + group * outs + o, static_cast<std::size_t>(columns) * sizeof(T));
        tiles.each_image(unit, [&](Index image, Index row, Index row_end, Index tile) {
          to.move_to(row, row_end);
          const Index many = (row_end - row) * tiles.across();
          const T* const m_tile = m + (tile - first) * width;
          if (back) {
            to.clear();
            transforms.cells_back(many, width, m_tile, m_step, to.at(), to.cells());
          } else {
            transforms.sums(many, width, m_tile, m_step, start, to.at(), to.cells());
          }
          to.store_to(out + ((image * c.groups + group) * outs + o) * out_plane, columns);
        });
      }
    }
  });
}

/// Numbers of scratch memory for the transformed weight.
template <class T>
Index winograd_scratch(const Conv& c) {
  return c.groups * WinogradTiles(c).taps() * c.ins * whole_tiles<T>(c.outs);
}

/// y = x * weight + bias. turned: weight is that of the convolution of which c is the turned one.
template <class T>
void winograd_forward(const Conv& c, const T* x, const T* weight, bool turned, const T* bias, T* y, T* u) {
  winograd_weights(c, weight, turned, turned, u);
  winograd_pass<T>(c, false, x, u, bias, y);
}

/// Whether tiles that share cells are in one unit, so that dx, a sum over tiles, is one thread's, and reach all rows.
inline bool suits_winograd_back(const Conv& c) {
  const WinogradTiles tiles(c);
  return suits_winograd(c) && tiles.parts == 1 && tiles.h.reach() - tiles.h.before >= tiles.h.in;
}
inline Conv outs_for_ins(const Conv& c) { return {c.batch, c.groups, c.outs, c.ins, c.h, c.w}; }
template <class T>
Index winograd_back_scratch(const Conv& c) {
  return winograd_scratch<T>(outs_for_ins(c));
}
/// dx for any stride.
template <class T>
void winograd_back(const Conv& c, const T* dy, const T* weight, T* dx, T* u) {
  winograd_weights(outs_for_ins(c), weight, true, false, u);
  winograd_pass<T>(c, true, dy, u, nullptr, dx);
}

/// How the gradient of the weight is computed: so many units of tiles are transformed, then multiplied.
template <class T>
struct WinogradBlocks {
  Index units, x_width, y_width, x_step, y_step;
  explicit WinogradBlocks(const Conv& c, const WinogradTiles& tiles)
      : x_width(whole_vectors<T>(c.ins)), y_width(whole_tiles<T>(c.outs)) {
    constexpr Index most_numbers = 1 << 19, most_tiles = 256;
    const Index fit = most_numbers / (c.groups * tiles.taps() * (x_width + y_width));
    units = (fit < most_tiles ? fit : most_tiles) / tiles.most();
    if (units < 1) units = 1;
    x_step = winograd_step<T>(units * tiles.most(), x_width);
    y_step = winograd_step<T>(units * tiles.most(), y_width);
  }
};
template <class T>
Index winograd_weight_gradient_scratch(const Conv& c) {
  const WinogradTiles tiles(c);
  const WinogradBlocks<T> blocks(c, tiles);
  return c.groups * tiles.taps() * (blocks.x_step + blocks.y_step + c.ins * blocks.y_width);
}

/// dweight, the sum over all tiles in order.
template <class T>
void winograd_weight_gradient(const Conv& c, const T* x, const T* dy, T* dweight, T* scratch) {
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);
  const WinogradKernels<T>& transforms = (GLOSS_ON_ISA(detail::winograd_kernels<T>))[c.h.stride - 1];
  const WinogradTiles tiles(c);
  const WinogradBlocks<T> blocks(c, tiles);
  const Index taps = tiles.taps(), x_width = blocks.x_width, y_width = blocks.y_width;
  T* const v = scratch;
  T* const m = v + c.groups * taps * blocks.x_step;
  T* const du = m + c.groups * taps * blocks.y_step;
  const Index panels = (c.outs + kernels.width() - 1) / kernels.width();
  for (Index unit = 0; unit < tiles.units(); unit += blocks.units) {
    const Index units = tiles.units() - unit < blocks.units ? tiles.units() - unit : blocks.units;
    const Index first = tiles.first(unit), count = tiles.first(unit + units) - first;
    const Index numbers = tiles.most() * taps * (x_width + y_width);
    parallel_for(c.groups * units, 16384 / numbers + 1, [&](Index job, Index end) {
      TurnedPlane<T, 2> cells(kernels, tiles.h, tiles.w, tiles.most_rows(), x_width);
      TurnedPlane<T, 4> places(kernels, tiles.y_h, tiles.y_w, tiles.most_rows(), y_width);
      for (; job < end; ++job) {
        const Index group = job / units;
        tiles.each_image(unit + job % units, [&](Index image, Index row, Index row_end, Index tile) {
          const Index many = (row_end - row) * tiles.across(), entry = image * c.groups + group;
          cells.move_to(row, row_end);
          cells.load_from(x + entry * c.ins * c.cells(), c.ins);
          transforms.cells(many, x_width, cells.cells(), cells.at(),
                           v + group * taps * blocks.x_step + (tile - first) * x_width, blocks.x_step);
          places.move_to(row, row_end);
          places.load_from(dy + entry * c.outs * c.places(), c.outs);
          transforms.sums_back(many, y_width, places.cells(), places.at(),
                               m + group * taps * blocks.y_step + (tile - first) * y_width, blocks.y_step);
        });
      }
    });
    parallel_for(c.groups * taps * panels, work_per_thread / (count * c.ins * kernels.width() + 1) + 1,
                 [&](Index begin, Index end) {
                   for (Index job = begin; job < end; ++job) {
                     const Index e = job / panels, j = job % panels * kernels.width();
                     const Index width = kernels.width(c.outs - j);
                     for (Index i = 0; i < c.ins; i += tile_rows)
                       gemm_rows(kernels, c.ins - i < tile_rows ? c.ins - i : tile_rows, width, width, count,
                                 static_cast<const T*>(v) + e * blocks.x_step + i, Index{1}, x_width,
                                 static_cast<const T*>(m) + e * blocks.y_step + j, y_width,
                                 du + (e * c.ins + i) * y_width + j, y_width, T(1), unit == 0 ? T(0) : T(1));
                   }
                 });
  }
  parallel_for(c.groups * c.ins, 4096 / c.outs + 1, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index i = r % c.ins, group = r / c.ins;
      for (Index o = 0; o < c.outs; o += kernels.lanes)
        transforms.weight_back(c.outs - o < kernels.lanes ? c.outs - o : kernels.lanes,
                               du + (group * taps * c.ins + i) * y_width + o, c.ins * y_width,
                               dweight + ((group * c.outs + o) * c.ins + i) * 9, c.ins * 9);
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
