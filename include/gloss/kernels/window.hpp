// Windows that slide over images: their sizes, and a copy of a channel with its border in which every window is read at
// a fixed distance. Convolutions and pooling share them.
#pragma once

#include <cstring>

#include <gloss/kernels/simd/simd.hpp>

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
/// copy with the border, of one sheet for each remainder of the columns modulo the stride: neighbouring windows then
/// read neighbouring cells.
struct Plane {
  Window h, w;
  bool is_copy = true;
  Index sheets = 1;
  Index rows = 1;
  Index pitch = 1;  // from row to row

  static Plane copied(const Window& h, const Window& w) {
    return {h, w, true, w.stride, h.reach(), (w.reach() + w.stride - 1) / w.stride};
  }
  static Plane in_place(const Window& h, const Window& w) { return {h, w, false, 1, h.in, w.in}; }

  Index size() const { return sheets * rows * pitch; }
  /// Where cell k of the first window lies.
  Index tap(Index kh, Index kw) const {
    const Index column = kw * w.dilation;
    return (column % sheets * rows + kh * h.dilation) * pitch + column / sheets;
  }
  /// Where the first cell of a row of windows lies, and from one window to the next.
  Index row(Index oh) const { return oh * h.stride * pitch; }
  Index step() const { return is_copy ? 1 : w.stride; }
};

namespace detail {

/// Calls f(row of x or -1, column of x, where in the copy its cell is, how many cells, how many of the row are before
/// them) for every row of every sheet; a row that x does not have is all before.
template <class F>
GLOSS_INLINE void each_copied_row(const Plane& p, const F& f) {
  const Index step = p.w.stride;
  for (Index sheet = 0, at = 0; sheet < p.sheets; ++sheet) {
    // cells j with 0 <= j * step - shift < in
    const Index shift = p.w.before - sheet;
    const Index first = shift > 0 ? (shift + step - 1) / step : 0;
    const Index last = p.w.in + shift > 0 ? (p.w.in + shift + step - 1) / step : 0;
    const Index n = (last < p.pitch ? last : p.pitch) - first;
    for (Index r = 0; r < p.rows; ++r, at += p.pitch) {
      const Index ih = r - p.h.before;
      if (n > 0 && ih >= 0 && ih < p.h.in)
        f(ih, first * step - shift, at + first, n, first);
      else
        f(Index{-1}, Index{0}, at + p.pitch, Index{0}, p.pitch);
    }
  }
}

/// from[0], from[2], from[4], ... from[2 (n - 1)], with n at most a vector's lanes.
template <class T, std::size_t... i>
GLOSS_INLINE Vec<T> load_every_second(const T* from, Index n, std::index_sequence<i...>) {
  constexpr Index w = static_cast<Index>(sizeof...(i));
  const Index cells = 2 * n - 1;  // what is read: the second load begins with the last element of the first
  const Vec<T> first = load_n<T>(from, cells < w ? cells : w);
  const Vec<T> second = cells < w ? first : load_n<T>(from + w - 1, cells - w + 1);
  return shuffle<T, static_cast<int>(2 * i + (static_cast<Index>(2 * i) < w ? 0 : 1))...>(first, second);
}

/// to[j] = from[j * step] for j < n.
template <class T>
GLOSS_INLINE void copy_by_step(const T* from, Index step, Index n, T* to) {
  constexpr auto every = std::make_index_sequence<static_cast<std::size_t>(lanes<T>)>();
  if (step == 1)
    each_vector<T>(n, [&](Index j, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(to + j, load_n<T>(from + j, m), m); });
  else if (step == 2)
    each_vector<T>(n, [&](Index j, Index m)
                          GLOSS_INLINE_LAMBDA { store_n<T>(to + j, load_every_second<T>(from + 2 * j, m, every), m); });
  else
    for (Index j = 0; j < n; ++j) to[j] = from[j * step];
}

/// to[j] = value for j < n.
template <class T>
GLOSS_INLINE void fill_run(T* to, Index n, T value) {
  each_vector<T>(n, [&](Index j, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(to + j, splat<T>(value), m); });
}

}  // namespace detail

/// The copy of one channel, `border` where x has no cells.
template <class T>
GLOSS_NOINLINE void fill_plane(const Plane& p, const T* x, T* plane, T border) {
  detail::each_copied_row(p, [&](Index row, Index column, Index at, Index n, Index before) {
    T* const to = plane + at;
    detail::fill_run(to - before, before, border);
    if (row < 0) return;
    detail::copy_by_step(x + row * p.w.in + column, p.w.stride, n, to);
    detail::fill_run(to + n, p.pitch - before - n, border);
  });
}

/// The way back: dx of one channel from a copy's cells, 0 where no window reaches.
template <class T>
GLOSS_NOINLINE void crop_plane(const Plane& p, const T* plane, T* dx) {
  std::memset(dx, 0, static_cast<std::size_t>(p.h.in * p.w.in) * sizeof(T));
  detail::each_copied_row(p, [&](Index row, Index column, Index at, Index n, Index) {
    T* const to = dx + row * p.w.in + column;
    if (p.w.stride == 1) return detail::copy_by_step(plane + at, Index{1}, n, to);
    for (Index j = 0; j < n; ++j) to[j * p.w.stride] = plane[at + j];
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
