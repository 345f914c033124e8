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

}  // namespace gloss::inline GLOSS_ABI
