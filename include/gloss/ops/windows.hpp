// Maps cut into windows that may be shifted, and put together again
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/core/parallel_for.hpp>
#include <gloss/ops/window_options.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {

/// Maps with a border of zeros behind them, so that whole windows fit, and moved by `shift` up and to the left.
struct WindowGrid {
  Index batch, depth, window, shift;
  Pair map, count;  // places of a map; windows below each other and side by side

  Shape windows() const { return {batch * count.h * count.w, window * window, depth}; }
  Shape maps() const { return {batch, map.h, map.w, depth}; }
};

GLOSS_LAZY WindowGrid window_grid(const char* op, Index batch, Pair map, Index depth, Index window, Index shift) {
  constexpr Index most = Index{1} << 30;
  if (window < 1) fail<ShapeError>(op, ": a window of ", window, " has no places");
  if (window > most || map.h > most || map.w > most)
    fail<ShapeError>(op, ": maps of ", map.h, " x ", map.w, " in windows of ", window, " are too large");
  if (shift < 0 || shift >= window) fail<ShapeError>(op, ": a shift of ", shift, " is not in [0, ", window, ")");
  return {batch, depth, window, shift, map, {(map.h + window - 1) / window, (map.w + window - 1) / window}};
}

/// Calls f(where in the windows, where in the maps or -1 for their border) for each place.
template <class F>
void each_place(const WindowGrid& g, const F& f) {
  const Index height = g.count.h * g.window, width = g.count.w * g.window, area = g.window * g.window;
  parallel_for(g.batch * height, 16384 / (width * g.depth + 1) + 1, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index b = r / height, i = r % height, row = (i + g.shift) % height;
      Index column = g.shift;
      for (Index w = 0; w < g.count.w; ++w) {
        Index in_windows = ((b * g.count.h + i / g.window) * g.count.w + w) * area + i % g.window * g.window;
        for (Index j = 0; j < g.window; ++j, ++in_windows, column = column + 1 == width ? 0 : column + 1) {
          const bool is_inside = row < g.map.h && column < g.map.w;
          f(in_windows * g.depth, is_inside ? ((b * g.map.h + row) * g.map.w + column) * g.depth : -1);
        }
      }
    }
  });
}

template <Real T>
Tensor<T> windows_joined(const WindowGrid& g, const Tensor<T>& windows);

template <Real T>
Tensor<T> windows_apart(const WindowGrid& g, const Tensor<T>& x) {
  ProfileScope scope("window_partition");
  const Tensor<T> maps = x.detach().contiguous();
  Tensor<T> y = Tensor<T>::uninitialized(g.windows());
  if (scope) scope.bytes(sizeof(T), {maps.numel(), y.numel()});
  each_place(g, [from = static_cast<const T*>(maps.data()), to = y.data(), n = g.depth](Index place, Index in_map) {
    if (in_map < 0)
      std::fill_n(to + place, n, T{0});
    else
      std::copy_n(from + in_map, n, to + place);
  });
  return record("window_partition", y, {x}, [g](const Tensor<T>& dy, Grads& dx) { dx.add(0, windows_joined(g, dy)); });
}

template <Real T>
Tensor<T> windows_joined(const WindowGrid& g, const Tensor<T>& windows) {
  ProfileScope scope("window_reverse");
  const Tensor<T> pieces = windows.detach().contiguous();
  Tensor<T> y = Tensor<T>::uninitialized(g.maps());
  if (scope) scope.bytes(sizeof(T), {pieces.numel(), y.numel()});
  each_place(g, [from = static_cast<const T*>(pieces.data()), to = y.data(), n = g.depth](Index place, Index in_map) {
    if (in_map >= 0) std::copy_n(from + place, n, to + in_map);
  });
  return record("window_reverse", y, {windows},
                [g](const Tensor<T>& dy, Grads& dx) { dx.add(0, windows_apart(g, dy)); });
}

}  // namespace detail

/// Maps as rows of places, window by window: zeros are put behind rows and columns until whole windows fit, the map is
/// moved by `shift` up and to the left, what leaves there comes in at the other side, and it is cut into windows of
/// window x window places. One pass for roll(pad(x), {-shift, -shift}, {1, 2}) and a permuted copy.
/// Shape: [batch, height, width, d] -> [batch ceil(height / window) ceil(width / window), window window, d]
/// Errors: ShapeError when x has not four axes, the window no places, or the shift is not in [0, window).
/// Backward: dx = window_reverse(dy); nothing is saved.
/// Source: Liu et al. 2021, section 3.2.
/// PyTorch: torch.roll and transformers.models.swin.modeling_swin.window_partition
template <Real T>
Tensor<T> window_partition(const Tensor<T>& x, Index window, Index shift = 0) {
  if (x.dim() != 4) fail<ShapeError>("window_partition: x ", x.shape(), " is not [batch, height, width, d]");
  return detail::windows_apart(
      detail::window_grid("window_partition", x.size(0), {x.size(1), x.size(2)}, x.size(3), window, shift), x);
}

/// Maps of height x width places of what window_partition made of such maps, with the same window and shift; what came
/// from the zeros behind them is left out.
/// Shape: [batch ceil(height / window) ceil(width / window), window window, d] -> [batch, height, width, d]
/// Errors: ShapeError when the windows are not those of such maps, or as window_partition.
/// Backward: dwindows = window_partition(dy); nothing is saved.
/// PyTorch: transformers.models.swin.modeling_swin.window_reverse and torch.roll
template <Real T>
Tensor<T> window_reverse(const Tensor<T>& windows, Pair map, Index window, Index shift = 0) {
  const Index depth = windows.dim() == 3 ? windows.size(2) : 0;
  detail::WindowGrid g = detail::window_grid("window_reverse", 1, map, depth, window, shift);
  const Index of_map = g.count.h * g.count.w;
  if (of_map > 0 && windows.dim() == 3) g.batch = windows.size(0) / of_map;
  if (map.h < 1 || map.w < 1 || windows.shape() != g.windows())
    fail<ShapeError>("window_reverse: ", windows.shape(), " are not windows of ", window, " x ", window,
                     " places of maps of ", map.h, " x ", map.w);
  return detail::windows_joined(g, windows);
}

/// Which places of a shifted window may look at each other: those that lay beside each other before the shift brought
/// the other side of the map, or the zeros behind it, next to them.
/// Shape: -> [ceil(height / window) ceil(width / window), window window, window window]
/// Errors: ShapeError as window_partition.
/// Source: Liu et al. 2021, section 3.2.
/// transformers: SwinLayer.get_attn_mask, which has -100 where this has false
GLOSS_LAZY Tensor<bool> shifted_window_mask(Pair map, Index window, Index shift) {
  const detail::WindowGrid g = detail::window_grid("shifted_window_mask", 1, map, 1, window, shift);
  const Index height = g.count.h * window, width = g.count.w * window, area = window * window;
  // Rows and columns in three parts: what no window shares with others, and on either side of what was moved.
  const auto part = [&](Index at, Index size) { return (at >= size - window) + (shift > 0 && at >= size - shift); };
  Tensor<bool> mask = empty<bool>({g.count.h * g.count.w, area, area});
  std::vector<int> parts(static_cast<std::size_t>(area));
  bool* at = mask.data();
  for (Index w = 0; w < mask.size(0); ++w) {
    const Index top = w / g.count.w * window, left = w % g.count.w * window;
    for (Index i = 0; i < area; ++i)
      parts[static_cast<std::size_t>(i)] = 3 * part(top + i / window, height) + part(left + i % window, width);
    for (const int i : parts)
      for (const int j : parts) *at++ = i == j;
  }
  return mask;
}

}  // namespace gloss::inline GLOSS_ABI
