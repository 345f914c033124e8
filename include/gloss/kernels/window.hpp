// Windows that slide over images: their sizes, and a copy of a channel with its border in which every window is read at
// a fixed distance. Convolutions and pooling share them.
#pragma once

#include <cstring>

#include <gloss/kernels/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// How a window moves along one axis: place o of `out` covers x[o * stride - before + k * dilation] for k < kernel.
struct Window {
  Index in = 1, out = 1;
  Index kernel = 1, stride = 1, before = 0, dilation = 1;

  /// From the first to the last cell that some window covers, counted from -before.
  Index reach() const { return (out - 1) * stride + (kernel - 1) * dilation + 1; }
  bool is_inside() const { return before == 0 && reach() <= in; }
};

/// The cells of a channel that windows cover, in memory. As they lie in x where no border is needed; otherwise in a
/// copy with the border, whose columns are sorted by their remainder modulo the stride: neighbouring windows then read
/// neighbouring cells.
struct Plane {
  Window h, w;
  bool is_copy = true;
  Index phases = 1;  // remainders by which columns are sorted
  Index pitch = 1;   // from row to row
  Index rows = 1;

  static Plane copied(const Window& h, const Window& w) {
    const Index across = (w.reach() + w.stride - 1) / w.stride;
    return {h, w, true, w.stride, w.stride * across, h.reach()};
  }
  static Plane in_place(const Window& h, const Window& w) { return {h, w, false, 1, w.in, h.in}; }

  Index size() const { return rows * pitch; }
  /// Where cell k of the first window lies.
  Index tap(Index kh, Index kw) const {
    const Index column = kw * w.dilation;
    return kh * h.dilation * pitch + (phases > 1 ? column % phases * (pitch / phases) + column / phases : column);
  }
  /// Where the first cell of a row of windows lies, and from one window to the next.
  Index row(Index oh) const { return oh * h.stride * pitch; }
  Index step() const { return is_copy ? 1 : w.stride; }
};

namespace detail {

/// Calls f(cell of the copy, column of x, count, cells of the phase before, cells of the phase) for the columns of each
/// phase that x has.
template <class F>
void each_phase(const Plane& p, const F& f) {
  const Index across = p.pitch / p.phases;
  for (Index phase = 0; phase < p.phases; ++phase) {
    // columns j with 0 <= j * phases + phase - before < in
    Index first = 0, last = across;
    const Index shift = p.w.before - phase;
    if (shift > 0) first = (shift + p.phases - 1) / p.phases;
    if (p.w.in + shift <= 0)
      last = 0;
    else if ((p.w.in + shift + p.phases - 1) / p.phases < last)
      last = (p.w.in + shift + p.phases - 1) / p.phases;
    if (first > across) first = across;
    f(phase * across + first, first * p.phases - shift, last > first ? last - first : 0, first, across);
  }
}

}  // namespace detail

/// The copy of one channel, `border` where x has no cells.
template <class T>
GLOSS_NOINLINE void fill_plane(const Plane& p, const T* x, T* plane, T border) {
  for (Index r = 0; r < p.rows; ++r, plane += p.pitch) {
    const Index ih = r - p.h.before;
    if (ih < 0 || ih >= p.h.in) {
      for (Index j = 0; j < p.pitch; ++j) plane[j] = border;
      continue;
    }
    const T* from = x + ih * p.w.in;
    detail::each_phase(p, [&](Index at, Index column, Index n, Index first, Index across) {
      T* const to = plane + at;
      for (Index j = -first; j < 0; ++j) to[j] = border;
      if (n == 0)
        ;
      else if (p.phases == 1)
        std::memcpy(to, from + column, static_cast<std::size_t>(n) * sizeof(T));
      else
        for (Index j = 0; j < n; ++j) to[j] = from[column + j * p.phases];
      for (Index j = n; j < across - first; ++j) to[j] = border;
    });
  }
}

/// The way back: dx of one channel from a copy's cells, 0 where no window reaches.
template <class T>
GLOSS_NOINLINE void crop_plane(const Plane& p, const T* plane, T* dx) {
  std::memset(dx, 0, static_cast<std::size_t>(p.h.in * p.w.in) * sizeof(T));
  for (Index r = 0; r < p.rows; ++r, plane += p.pitch) {
    const Index ih = r - p.h.before;
    if (ih < 0 || ih >= p.h.in) continue;
    T* const to = dx + ih * p.w.in;
    detail::each_phase(p, [&](Index at, Index column, Index n, Index, Index) {
      for (Index j = 0; j < n; ++j) to[column + j * p.phases] = plane[at + j];
    });
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels
