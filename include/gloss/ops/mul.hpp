// a * b
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a * b, element by element.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy * b, db = dy * a, summed over stretched axes; what they need of a and b is saved.
/// PyTorch: torch.mul
template <Element T>
Tensor<T> mul(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("mul", a, b, kernels::Times{});
  if constexpr (Real<T>)
    return record("mul", y, {a, b},
                  [p = a.only_if(b.requires_grad()), q = b.only_if(a.requires_grad())](const Tensor<T>& dy, Grads& dx) {
                    if (dx.needs(0)) dx.add_summed(0, mul(dy, q));
                    if (dx.needs(1)) dx.add_summed(1, mul(dy, p));
                  });
  return y;
}

/// y = a * s for a number s.
template <Element T>
Tensor<T> mul(const Tensor<T>& a, std::type_identity_t<T> s) {
  Tensor<T> y = map_unary<T>(a, [s](T p) { return static_cast<T>(p * s); });
  if constexpr (Real<T>) return record("mul", y, {a}, [s](const Tensor<T>& dy, Grads& dx) { dx.add(0, mul(dy, s)); });
  return y;
}

template <Element T>
Tensor<T> operator*(const Tensor<T>& a, const Tensor<T>& b) {
  return mul(a, b);
}
template <Element T>
Tensor<T> operator*(const Tensor<T>& a, Scalar<T> s) {
  return mul(a, static_cast<T>(s));
}
template <Element T>
Tensor<T> operator*(Scalar<T> s, const Tensor<T>& a) {
  return mul(a, static_cast<T>(s));
}
/// -a. PyTorch: torch.neg
template <Element T>
Tensor<T> operator-(const Tensor<T>& a) {
  return mul(a, static_cast<T>(-1));
}

}  // namespace gloss::inline GLOSS_ABI
