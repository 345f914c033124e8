// What convolutions and pooling take: a number or a pair for each of two axes, and how they check it
#pragma once

#include <concepts>
#include <string>

#include <gloss/kernels/window.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// A number for the height and one for the width: 3, or {3, 5}.
struct Pair {
  Index h = 1, w = 1;
  constexpr Pair() = default;
  template <std::integral Int>
  constexpr Pair(Int both) : h(static_cast<Index>(both)), w(static_cast<Index>(both)) {}
  constexpr Pair(Index height, Index width) : h(height), w(width) {}
  friend constexpr bool operator==(Pair, Pair) = default;
};

namespace detail {

/// One axis of windows, checked. `after` is the border behind.
inline kernels::Window make_window(const char* op, Index in, Index kernel, Index stride, Index before, Index after,
                                   Index dilation, bool ceil_mode = false) {
  constexpr Index most = Index{1} << 40;
  if (kernel < 1 || kernel > most) fail<ShapeError>(op, ": kernel size ", kernel, " is not positive");
  if (stride < 1 || stride > most) fail<ShapeError>(op, ": stride ", stride, " is not positive");
  if (dilation < 1 || dilation > most / kernel) fail<ShapeError>(op, ": dilation ", dilation, " is not positive");
  if (before < 0 || after < 0) fail<ShapeError>(op, ": padding ", before < 0 ? before : after, " is negative");
  if (before > most || after > most) fail<ShapeError>(op, ": padding ", before, " is too large");
  const Index room = in + before + after - (kernel - 1) * dilation - 1;
  if (room + (ceil_mode ? stride - 1 : 0) < 0)
    fail<ShapeError>(op, ": a kernel of ", kernel, dilation > 1 ? " with dilation " + std::to_string(dilation) : "",
                     " is larger than the padded size ", in + before + after);
  Index out = room < 0 ? 1 : room / stride + 1;
  if (ceil_mode && room > 0 && room % stride != 0 && out * stride < in + before) ++out;  // the last begins inside
  return {in, out, kernel, stride, before, dilation};
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI
