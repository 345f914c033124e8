// a - b
#pragma once

#include <gloss/ops/add.hpp>
#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a - b. Booleans have no difference.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy, db = -dy, summed over stretched axes.
/// PyTorch: torch.sub
template <Number T>
Tensor<T> sub(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("sub", a, b, kernels::Minus{});
  if constexpr (Real<T>)
    return record("sub", y, {a, b}, [](const Tensor<T>& dy, Grads& dx) {
      dx.add_summed(0, dy);
      if (dx.needs(1)) dx.add(1, -sum_to(dy, dx.shape(1)));
    });
  return y;
}

template <Number T>
Tensor<T> operator-(const Tensor<T>& a, const Tensor<T>& b) {
  return sub(a, b);
}
template <Number T>
Tensor<T> operator-(const Tensor<T>& a, Scalar<T> s) {
  return add(a, detail::opposite<T>(s));
}
template <Number T>
Tensor<T> operator-(Scalar<T> s, const Tensor<T>& a) {
  return add(-a, s);
}

GLOSS_INSTANTIATE(Tensor<float> sub(const Tensor<float>&, const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<double> sub(const Tensor<double>&, const Tensor<double>&))

}  // namespace gloss::inline GLOSS_ABI
