// Convolutions whose groups have one channel: a channel's plane is copied into the first-level cache and windows are
// multiplied there, many at once.
#pragma once

#include <gloss/kernels/conv_naive.hpp>
#include <gloss/kernels/gemm_pack.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// The vectors of neighbouring windows that are summed together, and so the room behind a plane that is read.
inline constexpr Index most_windows = 4;
template <class T>
inline constexpr Index plane_room = most_windows * lanes<T>;

/// Where the cells of a window lie in the plane, tap by tap, in this thread's memory.
inline const Index* tap_offsets(const Plane& plane) {
  Index* const offsets = workspace<2>().template get<Index>(plane.h.kernel * plane.w.kernel);
  for (Index kh = 0, t = 0; kh < plane.h.kernel; ++kh)
    for (Index kw = 0; kw < plane.w.kernel; ++kw) offsets[t++] = plane.tap(kh, kw);
  return offsets;
}

/// Calls f(row, width, vectors) for the columns [column, column + width) of a row of windows, as many vectors at once as
/// have work: f is called with std::integral_constant<int, 4>, <2> or <1>.
template <class T, class F>
GLOSS_INLINE void each_windows(Index across, const F& f) {
  constexpr Index w = lanes<T>;
  for (Index ow = 0; ow < across; ow += 4 * w) {
    const Index left = across - ow;
    if (left > 2 * w)
      f(ow, left < 4 * w ? left : 4 * w, std::integral_constant<int, 4>());
    else if (left > w)
      f(ow, left, std::integral_constant<int, 2>());
    else
      f(ow, left, std::integral_constant<int, 1>());
  }
}

/// y [h.out, w.out] = start + sum over taps of weight * cell, or added to y.
template <class T>
GLOSS_NOINLINE void slide_windows(const Plane& plane, const Index* offsets, const T* cells, const T* weight, T start,
                                  bool add, T* y) {
  constexpr Index w = lanes<T>;
  const Index taps = plane.h.kernel * plane.w.kernel;
  for (Index oh = 0; oh < plane.h.out; ++oh, y += plane.w.out)
    each_windows<T>(plane.w.out, [&](Index ow, Index width, auto many) GLOSS_INLINE_LAMBDA {
      constexpr int vectors = decltype(many)::value;
      const T* const row = cells + plane.row(oh) + ow;
      Vec<T> sum[vectors];
      GLOSS_UNROLL for (int v = 0; v < vectors; ++v) {
        const Index left = width - v * w;
        sum[v] = add && left > 0 ? load_n<T>(y + ow + v * w, left < w ? left : w) : splat<T>(start);
      }
      for (Index t = 0; t < taps; ++t) {
        const Vec<T> factor = splat<T>(weight[t]);
        const T* const from = row + offsets[t];
        GLOSS_UNROLL for (int v = 0; v < vectors; ++v) sum[v] = factor * load<T>(from + v * w) + sum[v];
      }
      GLOSS_UNROLL for (int v = 0; v < vectors; ++v) {
        const Index left = width - v * w;
        if (left > 0) store_n<T>(y + ow + v * w, sum[v], left < w ? left : w);
      }
    });
}

/// The way back: cells += weight * dy, tap by tap.
template <class T>
GLOSS_NOINLINE void spread_windows(const Plane& plane, const Index* offsets, const T* dy, const T* weight, T* cells) {
  const Index taps = plane.h.kernel * plane.w.kernel;
  for (Index oh = 0; oh < plane.h.out; ++oh, dy += plane.w.out)
    for (Index t = 0; t < taps; ++t) {
      T* const to = cells + plane.row(oh) + offsets[t];
      const Vec<T> factor = splat<T>(weight[t]);
      each_vector<T>(plane.w.out, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        store_n<T>(to + i, factor * load_n<T>(dy + i, m) + load_n<T>(to + i, m), m);
      });
    }
}

/// dweight[tap] += sum over windows of dy * cell.
template <class T>
GLOSS_NOINLINE void correlate_windows(const Plane& plane, const Index* offsets, const T* cells, const T* dy,
                                      T* dweight) {
  constexpr Index w = lanes<T>;
  const Index taps = plane.h.kernel * plane.w.kernel, across = plane.w.out;
  for (Index t = 0; t < taps; ++t) {
    Vec<T> sum[4] = {};
    const T* g = dy;
    for (Index oh = 0; oh < plane.h.out; ++oh, g += across) {
      const T* const from = cells + plane.row(oh) + offsets[t];
      Index i = 0;
      for (; i + 4 * w <= across; i += 4 * w)
        GLOSS_UNROLL for (int v = 0; v < 4; ++v) sum[v] = load<T>(g + i + v * w) * load<T>(from + i + v * w) + sum[v];
      for (; i + w <= across; i += w) sum[i / w % 3] = load<T>(g + i) * load<T>(from + i) + sum[i / w % 3];
      if (i < across) sum[3] = load_partial<T>(g + i, across - i) * load_partial<T>(from + i, across - i) + sum[3];
    }
    dweight[t] += hsum<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
}

/// The multiply-adds of a group of one image: how many images' groups are worth a thread.
inline Index depthwise_grain(const Conv& c) { return 100'000 / (c.outs * c.places() * c.taps() + c.cells() + 1) + 1; }

template <class T>
void depthwise_forward(const Conv& c, const T* x, const T* weight, const T* bias, T* y) {
  const Plane plane = Plane::copied(c.h, c.w);
  parallel_for(c.batch * c.groups, depthwise_grain(c), [&](Index begin, Index end) {
    T* const cells = workspace<1>().template get<T>(plane.size() + plane_room<T>);
    const Index* const offsets = tap_offsets(plane);
    for (Index p = begin; p < end; ++p) {
      fill_plane(plane, x + p * c.cells(), cells, T(0));
      for (Index m = 0; m < c.outs; ++m) {
        const Index o = p % c.groups * c.outs + m;
        slide_windows(plane, offsets, static_cast<const T*>(cells), weight + o * c.taps(), bias ? bias[o] : T(0), false,
                      y + (p * c.outs + m) * c.places());
      }
    }
  });
}

template <class T>
void depthwise_input_gradient(const Conv& c, const T* dy, const T* weight, T* dx) {
  const bool slides = c.h.stride == 1 && c.w.stride == 1;  // then dx is the convolution of dy with the turned weight
  const Conv turned = c.turned();
  const Plane plane = slides ? Plane::copied(turned.h, turned.w) : Plane::copied(c.h, c.w);
  parallel_for(c.batch * c.groups, depthwise_grain(c), [&](Index begin, Index end) {
    T* const cells = workspace<1>().template get<T>(plane.size() + plane_room<T>);
    T* const last_first = workspace<0>().template get<T>(c.taps());
    const Index* const offsets = tap_offsets(plane);
    for (Index p = begin; p < end; ++p) {
      T* const to = dx + p * c.cells();
      if (!slides) std::memset(cells, 0, static_cast<std::size_t>(plane.size()) * sizeof(T));
      for (Index m = 0; m < c.outs; ++m) {
        const T* const from = dy + (p * c.outs + m) * c.places();
        const T* const factors = weight + (p % c.groups * c.outs + m) * c.taps();
        if (!slides) {
          spread_windows(plane, offsets, from, factors, cells);
          continue;
        }
        for (Index t = 0; t < c.taps(); ++t) last_first[t] = factors[c.taps() - 1 - t];
        fill_plane(plane, from, cells, T(0));
        slide_windows(plane, offsets, static_cast<const T*>(cells), static_cast<const T*>(last_first), T(0), m > 0, to);
      }
      if (!slides) crop_plane(plane, static_cast<const T*>(cells), to);
    }
  });
}

/// Each group's images are summed by one thread, in order.
template <class T>
void depthwise_weight_gradient(const Conv& c, const T* x, const T* dy, T* dweight) {
  const Plane plane = Plane::copied(c.h, c.w);
  std::memset(dweight, 0, static_cast<std::size_t>(c.weights()) * sizeof(T));
  parallel_for(c.groups, depthwise_grain(c) / c.batch + 1, [&](Index begin, Index end) {
    T* const cells = workspace<1>().template get<T>(plane.size() + plane_room<T>);
    const Index* const offsets = tap_offsets(plane);
    for (Index g = begin; g < end; ++g)
      for (Index n = 0; n < c.batch; ++n) {
        fill_plane(plane, x + (n * c.groups + g) * c.cells(), cells, T(0));
        for (Index m = 0; m < c.outs; ++m)
          correlate_windows(plane, offsets, static_cast<const T*>(cells),
                            dy + ((n * c.groups + g) * c.outs + m) * c.places(),
                            dweight + (g * c.outs + m) * c.taps());
      }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
