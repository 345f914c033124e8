// Weighted sums over the windows of one plane, many windows at once, and their way back: depthwise convolutions and
// averages.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/window.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// The vectors of neighbouring windows that are summed together, and so the room behind a plane that is read.
inline constexpr Index most_windows = 4;
template <class T>
inline constexpr Index plane_room = most_windows* lanes<T>;

/// This thread's memory for a plane and the room behind it.
template <class T>
T* plane_memory(const Plane& plane) {
  return workspace<1>().template get<T>(plane.size() + plane_room<T>);
}

/// Where the cells of a window lie in the plane, tap by tap, in this thread's memory.
inline const Index* tap_offsets(const Plane& plane) {
  Index* const offsets = workspace<2>().template get<Index>(plane.h.kernel * plane.w.kernel);
  for (Index kh = 0, t = 0; kh < plane.h.kernel; ++kh)
    for (Index kw = 0; kw < plane.w.kernel; ++kw) offsets[t++] = plane.tap(kh, kw);
  return offsets;
}

/// Calls f(row, width, vectors) for the columns [column, column + width) of a row of windows, as many vectors at once
/// as have work: f is called with std::integral_constant<int, 4>, <2> or <1>.
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

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
