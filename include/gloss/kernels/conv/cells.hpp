// How a convolution reads its cells: places of several images in a row, cut into runs, and the copies of them from
// which products are made.
#pragma once

#include <gloss/kernels/conv/naive.hpp>
#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/gemm/blocks.hpp>
#include <gloss/kernels/window_sums.hpp>

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

/// Row `index` of the matrix of cells, (channel, kh, kw) of a group: where its cells begin. offsets are
/// tap_offsets(plane).
struct ConvRow {
  const Index* offsets;
  Index taps, size, tap, channel;

  ConvRow(const Plane& p, const Index* tap_offsets, Index index)
      : offsets(tap_offsets),
        taps(p.h.kernel * p.w.kernel),
        size(p.size()),
        tap(index % taps),
        channel(index / taps * size) {}
  Index at() const { return channel + offsets[tap]; }
  void next() {
    if (++tap < taps) return;
    tap = 0;
    channel += size;
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

/// How the cells of x are laid out for y: in place where that is possible, unless they would be gathered by strides
/// again and again; for the gradient of the weight, which goes along the places, never by strides.
inline Plane conv_plane(const Conv& c, bool for_weight = false) {
  const bool once = c.w.stride == 1 || (!for_weight && c.taps() <= 2 * c.h.stride * c.w.stride);
  return c.h.is_inside() && c.w.is_inside() && once ? Plane::in_place(c.h, c.w) : Plane::copied(c.h, c.w);
}
/// So many images are copied before they are used that the copies stay in the cache.
inline Index conv_images_at_once(const Conv& c, const Plane& plane) {
  constexpr Index most = 1 << 21;
  const Index fit = most / (c.groups * c.ins * plane.size() + 1) + 1;
  return !plane.is_copy || fit > c.batch ? c.batch : fit;
}
inline Index conv_copies(const Conv& c, const Plane& plane) {
  return plane.is_copy ? conv_images_at_once(c, plane) * c.groups * c.ins * plane.size() : 0;
}

/// Calls f(cells, first image, images) for runs of images whose copies, if there are any, fit into the cache; the
/// copies are made in scratch.
template <class T, class F>
void conv_images(const Conv& c, const Plane& plane, const T* x, T* scratch, const F& f) {
  const Index channels = c.groups * c.ins, image = channels * plane.size();
  const Index at_once = conv_images_at_once(c, plane);
  for (Index n = 0; n < c.batch; n += at_once) {
    const Index images = c.batch - n < at_once ? c.batch - n : at_once;
    const T* cells = x + n * c.x_image();
    if (plane.is_copy) {
      parallel_for(images * channels, 16384 / plane.size() + 1, [&](Index begin, Index end) {
        for (Index p = begin; p < end; ++p) fill_plane(plane, cells + p * c.cells(), scratch + p * plane.size(), T(0));
      });
      cells = scratch;
    }
    f(ConvCells<T>{c, plane, cells, image}, n, images);
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
