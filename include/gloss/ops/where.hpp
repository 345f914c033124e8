// Chooses between two tensors
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = condition ? a : b, element by element.
/// Shape: condition, a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy where condition, db = dy elsewhere, summed over stretched axes.
/// PyTorch: torch.where
template <Element T>
Tensor<T> where(const Tensor<bool>& condition, const Tensor<T>& a, const Tensor<T>& b) {
  const Shape shape = broadcast_shapes("where", condition.shape(), broadcast_shapes("where", a.shape(), b.shape()));
  ProfileScope scope("where");
  Tensor<T> y = empty<T>(shape);
  if (scope) scope.bytes(sizeof(bool), {condition.numel()});
  if (scope) scope.bytes(sizeof(T), {a.numel(), b.numel(), y.numel()});
  kernels::map(
      kernels::make_loop<4>(
          shape, {y.strides(), broadcast_strides(condition.shape(), condition.strides(), shape),
                  broadcast_strides(a.shape(), a.strides(), shape), broadcast_strides(b.shape(), b.strides(), shape)}),
      [](bool c, T p, T q) { return c ? p : q; }, y.data(), static_cast<const bool*>(condition.data()),
      static_cast<const T*>(a.data()), static_cast<const T*>(b.data()));
  if constexpr (Real<T>)
    return record("where", y, {a, b}, [condition](const Tensor<T>& dy, Grads& dx) {
      const Tensor<T> zero = zeros<T>({});
      if (dx.needs(0)) dx.add_summed(0, where(condition, dy, zero));
      if (dx.needs(1)) dx.add_summed(1, where(condition, zero, dy));
    });
  return y;
}
template <Element T>
Tensor<T> where(const Tensor<bool>& condition, const Tensor<T>& a, Scalar<T> b) {
  return where(condition, a, full<T>({}, static_cast<T>(b)));
}
template <Element T>
Tensor<T> where(const Tensor<bool>& condition, Scalar<T> a, const Tensor<T>& b) {
  return where(condition, full<T>({}, static_cast<T>(a)), b);
}
/// Of two numbers: where<float>(condition, 1, 0).
template <Element T>
Tensor<T> where(const Tensor<bool>& condition, Scalar<T> a, Scalar<T> b) {
  return where(condition, full<T>({}, static_cast<T>(a)), full<T>({}, static_cast<T>(b)));
}

}  // namespace gloss::inline GLOSS_ABI
