// a + b
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a + b; for booleans "or".
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy, db = dy, summed over stretched axes.
/// PyTorch: torch.add
template <Summable T>
Tensor<T> add(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("add", a, b, kernels::Plus{});
  if constexpr (Real<T>)
    return record("add", y, {a, b}, [](const Tensor<T>& dy, Grads& dx) {
      dx.add_summed(0, dy);
      dx.add_summed(1, dy);
    });
  return y;
}

/// y = a + s for a number s.
template <Summable T>
Tensor<T> add(const Tensor<T>& a, Scalar<T> s) {
  Tensor<T> y = map_unary<T>(a, [q = static_cast<T>(s)](T p) { return kernels::Plus{}(p, q); });
  if constexpr (Real<T>) return record("add", y, {a}, [](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy); });
  return y;
}

template <Summable T>
Tensor<T> operator+(const Tensor<T>& a, const Tensor<T>& b) {
  return add(a, b);
}
template <Summable T>
Tensor<T> operator+(const Tensor<T>& a, Scalar<T> s) {
  return add(a, s);
}
template <Summable T>
Tensor<T> operator+(Scalar<T> s, const Tensor<T>& a) {
  return add(a, s);
}

GLOSS_INSTANTIATE(Tensor<float> add(const Tensor<float>&, const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<float> add(const Tensor<float>&, Scalar<float>))
GLOSS_INSTANTIATE(Tensor<double> add(const Tensor<double>&, const Tensor<double>&))
GLOSS_INSTANTIATE(Tensor<double> add(const Tensor<double>&, Scalar<double>))

}  // namespace gloss::inline GLOSS_ABI
