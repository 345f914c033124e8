// a + b
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a + b.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy, db = dy, summed over stretched axes.
/// PyTorch: torch.add
template <Element T>
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
template <Element T>
Tensor<T> add(const Tensor<T>& a, std::type_identity_t<T> s) {
  Tensor<T> y = map_unary<T>(a, [s](T p) { return static_cast<T>(p + s); });
  if constexpr (Real<T>) return record("add", y, {a}, [](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy); });
  return y;
}

template <Element T>
Tensor<T> operator+(const Tensor<T>& a, const Tensor<T>& b) {
  return add(a, b);
}
template <Element T>
Tensor<T> operator+(const Tensor<T>& a, Scalar<T> s) {
  return add(a, static_cast<T>(s));
}
template <Element T>
Tensor<T> operator+(Scalar<T> s, const Tensor<T>& a) {
  return add(a, static_cast<T>(s));
}

}  // namespace gloss::inline GLOSS_ABI
