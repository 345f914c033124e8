// Powers
#pragma once

#include <cmath>

#include <gloss/ops/log.hpp>
#include <gloss/ops/sqrt.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x^p for a number p.
/// Backward: dx = dy * p * x^(p - 1); 0 when p is 0.
/// PyTorch: torch.pow
template <Real T>
Tensor<T> pow(const Tensor<T>& x, Scalar<T> p) {
  auto power = [&]() -> Tensor<T> {  // as PyTorch: the square root of -infinity is NaN, the power 0.5 would be infinity
    if (p == 2) return map_unary<T>(x, [](T v) { return v * v; });
    if (p == 3) return map_unary<T>(x, [](T v) { return v * v * v; });
    if (p == 0.5) return sqrt(x.detach());
    if (p == -0.5) return rsqrt(x.detach());
    return map_unary<T>(x, [e = static_cast<T>(p)](T v) { return std::pow(v, e); });
  };
  Tensor<T> y = power();
  return record("pow", y, {x}, [x, p](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, p == 0 ? zeros<T>(x.shape()) : dy * (pow(x, p - 1) * p));
  });
}

/// y = a^b, element by element.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy * b * a^(b - 1), 0 where b is 0; db = dy * a^b * ln a, 0 where a is 0 and b is not negative;
/// summed over stretched axes.
/// PyTorch: torch.pow
template <Real T>
Tensor<T> pow(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("pow", a, b, [](T p, T q) { return std::pow(p, q); });
  return record("pow", y, {a, b}, [a, b](const Tensor<T>& dy, Grads& dx) {
    if (dx.needs(0)) {
      // 0 * 1 where b is 0, and not 0 * a^-1, which is NaN at a = 0
      const Tensor<T> is_zero = map_unary<T>(b, [](T v) { return static_cast<T>(v == T{0}); });
      dx.add(0, sum_to(dy * b * pow(a, b - 1 + is_zero), a.shape()));
    }
    if (dx.needs(1)) {
      // where a is 0, a^b ln a tends to 0 for b >= 0: put 1 under the logarithm there
      const Tensor<T> one = map_binary<T>("pow", a, b, [](T p, T q) { return static_cast<T>(p == T{0} && q >= T{0}); });
      dx.add(1, sum_to(dy * pow(a, b) * log(a + one), b.shape()));
    }
  });
}
/// y = s^x for a number s. PyTorch: torch.pow(s, x)
template <Real T>
Tensor<T> pow(Scalar<T> s, const Tensor<T>& x) {
  return pow(scalar<T>(static_cast<T>(s)), x);
}

/// y = x^p for whole numbers; overflow wraps around.
/// Errors: Error for a negative p.
/// PyTorch: torch.pow
template <Integer T>
Tensor<T> pow(const Tensor<T>& x, Scalar<T> p) {
  if (p < 0) fail("pow: whole numbers to the power ", static_cast<std::int64_t>(p));
  return map_unary<T>(x, [p](T v) {
    T y = 1;
    for (std::int64_t rest = p; rest > 0; rest /= 2, v = kernels::Times{}(v, v))
      if (rest % 2 != 0) y = kernels::Times{}(y, v);
    return y;
  });
}

}  // namespace gloss::inline GLOSS_ABI
