// Replaces the elements under a mask
#pragma once

#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = value where mask, x elsewhere.
/// Shape: mask broadcasts to x.
/// Errors: ShapeError when it does not.
/// Backward: dx = dy, 0 under the mask.
/// PyTorch: x.masked_fill(mask, value)
template <Element T>
Tensor<T> masked_fill(const Tensor<T>& x, const Tensor<bool>& mask, Scalar<T> value) {
  if (broadcast_shapes("masked_fill", x.shape(), mask.shape()) != x.shape())
    fail<ShapeError>("masked_fill: mask ", mask.shape(), " does not broadcast to x ", x.shape());
  return where(mask, full<T>({}, static_cast<T>(value)), x);
}
/// The same with a scalar tensor, which may need a gradient: dvalue = sum of dy under the mask.
/// Errors: ShapeError when value has axes.
template <Element T>
Tensor<T> masked_fill(const Tensor<T>& x, const Tensor<bool>& mask, const Tensor<T>& value) {
  if (value.dim() != 0) fail<ShapeError>("masked_fill: value has shape ", value.shape(), ", a scalar is wanted");
  if (broadcast_shapes("masked_fill", x.shape(), mask.shape()) != x.shape())
    fail<ShapeError>("masked_fill: mask ", mask.shape(), " does not broadcast to x ", x.shape());
  return where(mask, value, x);
}

}  // namespace gloss::inline GLOSS_ABI
