// Linear interpolation
#pragma once

#include <gloss/ops/abs.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a + weight (b - a): a at 0, b at 1, both exactly.
/// Shape: a, b (and weight, where it is a tensor) broadcast.
/// Errors: ShapeError when they do not.
/// Backward: made of ops.
/// PyTorch: torch.lerp
template <Real T>
Tensor<T> lerp(const Tensor<T>& a, const Tensor<T>& b, Scalar<T> weight) {
  broadcast_shapes("lerp", a.shape(), b.shape());
  return weight < 0.5 && weight > -0.5 ? a + (b - a) * weight : b - (b - a) * (1 - weight);
}
template <Real T>
Tensor<T> lerp(const Tensor<T>& a, const Tensor<T>& b, const Tensor<T>& weight) {
  broadcast_shapes("lerp", broadcast_shapes("lerp", a.shape(), b.shape()), weight.shape());
  const Tensor<T> difference = b - a;
  return where(abs(weight.detach()) < 0.5, a + weight * difference, b - difference * (1 - weight));
}

}  // namespace gloss::inline GLOSS_ABI
