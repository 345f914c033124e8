// a / b
#pragma once

#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a / b, element by element. Dividing by zero gives infinity or NaN.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy / b, db = -dy * a / b^2, summed over stretched axes.
/// PyTorch: torch.div (true division; integer tensors have no operator/)
template <Real T>
Tensor<T> div(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("div", a, b, [](T p, T q) { return p / q; });
  return record("div", y, {a, b}, [p = a.only_if(b.requires_grad()), b](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> da = div(dy, b);
    dx.add_summed(0, da);
    if (dx.needs(1)) dx.add(1, -sum_to(mul(da, div(p, b)), b.shape()));
  });
}

template <Real T>
Tensor<T> operator/(const Tensor<T>& a, const Tensor<T>& b) {
  return div(a, b);
}
template <Real T>
Tensor<T> operator/(const Tensor<T>& a, Scalar<T> s) {
  const T divisor = static_cast<T>(s);
  Tensor<T> y = map_unary<T>(a, [divisor](T p) { return p / divisor; });
  return record("div", y, {a}, [s](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / s); });
}
template <Real T>
Tensor<T> operator/(Scalar<T> s, const Tensor<T>& a) {
  return div(full<T>({}, static_cast<T>(s)), a);
}

/// y = 1 / x. Backward: dx = -dy / x^2. PyTorch: torch.reciprocal
template <Real T>
Tensor<T> reciprocal(const Tensor<T>& x) {
  return 1 / x;
}

GLOSS_INSTANTIATE(Tensor<float> div(const Tensor<float>&, const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<float> operator/(const Tensor<float>&, Scalar<float>))
GLOSS_INSTANTIATE(Tensor<double> div(const Tensor<double>&, const Tensor<double>&))
GLOSS_INSTANTIATE(Tensor<double> operator/(const Tensor<double>&, Scalar<double>))

}  // namespace gloss::inline GLOSS_ABI
