// Powers
#pragma once

#include <cmath>

#include <gloss/ops/log.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x^p for a number p.
/// Backward: dx = dy * p * x^(p - 1); 0 when p is 0.
/// PyTorch: torch.pow
template <Real T>
Tensor<T> pow(const Tensor<T>& x, Scalar<T> p) {
  const T e = static_cast<T>(p);
  Tensor<T> y =
      p == 2 ? map_unary<T>(x, [](T v) { return v * v; }) : map_unary<T>(x, [e](T v) { return std::pow(v, e); });
  return record("pow", y, {x}, [x, p](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, p == 0 ? zeros<T>(x.shape()) : dy * (pow(x, p - 1) * p));
  });
}

/// y = a^b, element by element.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy * b * a^(b - 1), db = dy * a^b * ln a (0 where a is 0 and b is not negative).
/// PyTorch: torch.pow
template <Real T>
Tensor<T> pow(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("pow", a, b, [](T p, T q) { return std::pow(p, q); });
  return record("pow", y, {a, b}, [a, b](const Tensor<T>& dy, Grads& dx) {
    if (dx.needs(0)) dx.add(0, sum_to(dy * b * pow(a, add(b, T{-1})), a.shape()));
    if (dx.needs(1)) {
      // where a is 0, a^b ln a tends to 0 for b >= 0: put 1 under the logarithm there
      const Tensor<T> base = a + map_unary<T>(a, [](T v) { return v == T{0} ? T{1} : T{0}; });
      dx.add(1, sum_to(dy * pow(a, b) * log(base), b.shape()));
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI
