// Convolutions whose groups have one channel: a channel's plane is copied into the first-level cache and windows are
// multiplied there, many at once.
#pragma once

#include <gloss/kernels/conv/naive.hpp>
#include <gloss/kernels/window_sums.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

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
    T* const cells = plane_memory<T>(plane);
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
    T* const cells = plane_memory<T>(plane);
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
    T* const cells = plane_memory<T>(plane);
    const Index* const offsets = tap_offsets(plane);
    for (Index g = begin; g < end; ++g)
      for (Index n = 0; n < c.batch; ++n) {
        fill_plane(plane, x + (n * c.groups + g) * c.cells(), cells, T(0));
        for (Index m = 0; m < c.outs; ++m)
          correlate_windows(plane, offsets, static_cast<const T*>(cells),
                            dy + ((n * c.groups + g) * c.outs + m) * c.places(), dweight + (g * c.outs + m) * c.taps());
      }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
