// How a convolution reads its cells: places of several images in a row, cut into runs, and the copies of them from
// which products are made.
#pragma once

#include <gloss/kernels/conv_naive.hpp>
#include <gloss/kernels/gemm.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Places that follow each other: the first one's cell for tap 0 of channel 0, and how many.
struct Run {
  Index from, count;
};

/// The most places that are cut at once.
inline constexpr Index most_places = 512;

/// Some images of a convolution's input, all channels, as the plane lays them out.
template <class T>
struct ConvCells {
  Conv c;
  Plane plane;
  const T* cells;  // of the first image
  Index image;     // from one to the next

  /// Cuts places [q, q + count) of the images, count <= most_places; returns how many runs. at(n) of image n.
  Index cut(Index q, Index count, Run* runs) const {
    Index n = 0;
    const Index across = c.w.out, step = plane.step();
    Index e = q / c.places(), oh = q % c.places() / across, ow = q % across;
    while (count > 0) {
      const Index length = across - ow < count ? across - ow : count;
      const Index from = e * image + plane.row(oh) + ow * step;
      if (n > 0 && from == runs[n - 1].from + runs[n - 1].count * step)
        runs[n - 1].count += length;
      else
        runs[n++] = {from, length};
      count -= length;
      ow = 0;
      if (++oh == c.h.out) oh = 0, ++e;
    }
    return n;
  }
};

/// Row `index` of the matrix of cells: (channel, kh, kw) of a group, and where its cells begin.
struct ConvRow {
  const Plane& plane;
  Index channel, kh, kw;

  ConvRow(const Conv& c, const Plane& p, Index index)
      : plane(p), channel(index / c.taps()), kh(index % c.taps() / c.w.kernel), kw(index % c.w.kernel) {}
  Index at() const { return channel * plane.size() + plane.tap(kh, kw); }
  void next() {
    if (++kw < plane.w.kernel) return;
    kw = 0;
    if (++kh < plane.h.kernel) return;
    kh = 0;
    ++channel;
  }
};

/// The cells of runs, one after the other, to `out`, behind whose end there must be room for a vector.
template <class T>
GLOSS_INLINE void gather_runs(const Run* runs, Index n, Index step, const T* cells, T* out) {
  constexpr Index w = lanes<T>;
  for (Index r = 0; r < n; ++r) {
    const T* const from = cells + runs[r].from;
    const Index count = runs[r].count;
    if (step == 1) {
      Index i = 0;
      for (; i + w <= count; i += w) store<T>(out + i, load<T>(from + i));
      if (i < count) store<T>(out + i, load_partial<T>(from + i, count - i));
    } else {
      for (Index i = 0; i < count; ++i) out[i] = from[i * step];
    }
    out += count;
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
