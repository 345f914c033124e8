// A product or quotient, added
#pragma once

#include <gloss/ops/add.hpp>
#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x + value a b.
/// Shape: x, a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: made of ops.
/// PyTorch: torch.addcmul
template <Number T>
Tensor<T> addcmul(const Tensor<T>& x, const Tensor<T>& a, const Tensor<T>& b, Scalar<T> value = 1) {
  broadcast_shapes("addcmul", x.shape(), broadcast_shapes("addcmul", a.shape(), b.shape()));
  return x + a * b * value;
}
/// y = x + value a / b.
/// Shape: x, a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: made of ops.
/// PyTorch: torch.addcdiv
template <Real T>
Tensor<T> addcdiv(const Tensor<T>& x, const Tensor<T>& a, const Tensor<T>& b, Scalar<T> value = 1) {
  broadcast_shapes("addcdiv", x.shape(), broadcast_shapes("addcdiv", a.shape(), b.shape()));
  return x + a / b * value;
}

}  // namespace gloss::inline GLOSS_ABI
