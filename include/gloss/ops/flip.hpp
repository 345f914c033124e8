// Reverses, shifts and turns axes
#pragma once

#include <gloss/ops/cat.hpp>

namespace gloss::inline GLOSS_ABI {

/// A copy with these axes reversed: y[i] = x[n - 1 - i].
/// Errors: IndexError for an axis out of range or named twice.
/// Backward: dx = dy, flipped back.
/// PyTorch: torch.flip
template <Element T>
Tensor<T> flip(const Tensor<T>& x, const Shape& axes) {
  Shape steps = x.strides();
  bool flipped[max_rank] = {};
  Index offset = 0;
  for (Index entry : axes) {
    const int a = normalize_axis("flip", entry, x.dim());
    if (flipped[a]) fail<IndexError>("flip: axis ", a, " appears twice in ", axes);
    flipped[a] = true;
    if (x.dim() == 0 || x.numel() == 0) continue;
    offset += (x.shape()[a] - 1) * steps[a];
    steps[a] = -steps[a];
  }
  Tensor<T> y = x.as_strided(x.shape(), steps, offset).clone();
  if constexpr (Real<T>)
    return record("flip", y, {x}, [axes](const Tensor<T>& dy, Grads& dx) { dx.add(0, flip(dy, axes)); });
  else
    return y;
}
/// Left to right, axis 1. PyTorch: torch.fliplr
template <Element T>
Tensor<T> fliplr(const Tensor<T>& x) {
  if (x.dim() < 2) fail<ShapeError>("fliplr: two axes are needed, shape is ", x.shape());
  return flip(x, {1});
}
/// Upside down, axis 0. PyTorch: torch.flipud
template <Element T>
Tensor<T> flipud(const Tensor<T>& x) {
  if (x.dim() < 1) fail<ShapeError>("flipud: an axis is needed, shape is ", x.shape());
  return flip(x, {0});
}

/// A copy moved by `shifts` positions along axes; what leaves at the end comes in at the start.
/// y[(i + shift) mod n] = x[i]. Without axes, over all elements in row-major order.
/// Errors: ShapeError for no shifts or when shifts and axes differ in length, IndexError for a wrong axis.
/// PyTorch: torch.roll
template <Element T>
Tensor<T> roll(const Tensor<T>& x, Index shift) {
  return roll(x.reshape({x.numel()}), Shape{shift}, Shape{0}).view(x.shape());
}
template <Element T>
Tensor<T> roll(const Tensor<T>& x, const Shape& shifts, const Shape& axes) {
  if (shifts.rank() == 0) fail<ShapeError>("roll: no shifts");
  if (shifts.rank() == 1 && axes.rank() == 0) return roll(x, shifts[0]);
  if (shifts.rank() != axes.rank()) fail<ShapeError>("roll: shifts ", shifts, " and axes ", axes, " differ in length");
  Tensor<T> y = x;
  for (int k = 0; k < axes.rank(); ++k) {
    const int a = normalize_axis("roll", axes[k], x.dim());
    const Index n = x.dim() > 0 ? x.shape()[a] : 0;
    if (n == 0) continue;
    const Index shift = (shifts[k] % n + n) % n;
    if (shift > 0) y = cat<T>({y.slice(a, n - shift), y.slice(a, 0, n - shift)}, a);
  }
  return y.is_same(x) ? x.clone() : y;
}

/// A copy turned k times by 90 degrees from axes[0] towards axes[1].
/// Errors: ShapeError unless two different axes are named.
/// PyTorch: torch.rot90
template <Element T>
Tensor<T> rot90(const Tensor<T>& x, Index k = 1, const Shape& axes = {0, 1}) {
  if (axes.rank() != 2) fail<ShapeError>("rot90: two axes are wanted, got ", axes);
  const int a = normalize_axis("rot90", axes[0], x.dim()), b = normalize_axis("rot90", axes[1], x.dim());
  if (x.dim() < 2 || a == b) fail<ShapeError>("rot90: two axes of shape ", x.shape(), " are wanted, got ", axes);
  switch ((k % 4 + 4) % 4) {
    case 1:
      return flip(x, {b}).transpose(a, b).contiguous();
    case 2:
      return flip(x, {a, b});
    case 3:
      return flip(x, {a}).transpose(a, b).contiguous();
    default:
      return x.clone();
  }
}

}  // namespace gloss::inline GLOSS_ABI
