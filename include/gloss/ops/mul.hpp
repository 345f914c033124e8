// a * b
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a * b, element by element; for booleans "and".
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy * b, db = dy * a, summed over stretched axes; what they need of a and b is saved.
/// PyTorch: torch.mul
template <Summable T>
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
template <Summable T>
Tensor<T> mul(const Tensor<T>& a, Scalar<T> s) {
  Tensor<T> y = map_unary<T>(a, [q = static_cast<T>(s)](T p) { return kernels::Times{}(p, q); });
  if constexpr (Real<T>) return record("mul", y, {a}, [s](const Tensor<T>& dy, Grads& dx) { dx.add(0, mul(dy, s)); });
  return y;
}

namespace detail {
/// dy * weight for data `weight`, and 0 where that is 0 even if dy is infinite or NaN: for gradients that do not go
/// everywhere.
template <Real T>
Tensor<T> weigh(const Tensor<T>& dy, const Tensor<T>& weight) {
  const Tensor<T> y = map_binary<T>("mul", dy, weight, [](T d, T w) { return w == T{0} ? T{0} : d * w; });
  return record("mul", y, {dy}, [weight](const Tensor<T>& g, Grads& dx) { dx.add_summed(0, weigh(g, weight)); });
}
}  // namespace detail

template <Summable T>
Tensor<T> operator*(const Tensor<T>& a, const Tensor<T>& b) {
  return mul(a, b);
}
template <Summable T>
Tensor<T> operator*(const Tensor<T>& a, Scalar<T> s) {
  return mul(a, s);
}
template <Summable T>
Tensor<T> operator*(Scalar<T> s, const Tensor<T>& a) {
  return mul(a, s);
}
/// -a. PyTorch: torch.neg
template <Number T>
Tensor<T> operator-(const Tensor<T>& a) {
  return mul(a, -1);
}

/// y = x^2. Backward: made of ops. PyTorch: torch.square
template <Number T>
Tensor<T> square(const Tensor<T>& x) {
  return mul(x, x);
}

GLOSS_INSTANTIATE(Tensor<float> mul(const Tensor<float>&, const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<float> mul(const Tensor<float>&, Scalar<float>))
GLOSS_INSTANTIATE(Tensor<double> mul(const Tensor<double>&, const Tensor<double>&))
GLOSS_INSTANTIATE(Tensor<double> mul(const Tensor<double>&, Scalar<double>))

}  // namespace gloss::inline GLOSS_ABI
