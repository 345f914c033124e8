// Hyperbolic functions and their inverses; tanh has a header of its own
#pragma once

#include <cmath>

#include <gloss/ops/sqrt.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = sinh x.
/// Backward: dx = dy cosh x.
/// PyTorch: torch.sinh
template <Real T>
Tensor<T> sinh(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::sinh(v); });
  return record("sinh", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * cosh(x)); });
}
/// y = cosh x.
/// Backward: dx = dy sinh x.
/// PyTorch: torch.cosh
template <Real T>
Tensor<T> cosh(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::cosh(v); });
  return record("cosh", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * sinh(x)); });
}
/// y = the number whose sinh is x.
/// Backward: dx = dy / sqrt(x^2 + 1).
/// PyTorch: torch.asinh
template <Real T>
Tensor<T> asinh(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::asinh(v); });
  return record("asinh", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / sqrt(x * x + 1)); });
}
/// y = the number, not negative, whose cosh is x; NaN below 1.
/// Backward: dx = dy / sqrt(x^2 - 1).
/// PyTorch: torch.acosh
template <Real T>
Tensor<T> acosh(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::acosh(v); });
  return record("acosh", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / sqrt(x * x - 1)); });
}
/// y = the number whose tanh is x; NaN beyond [-1, 1].
/// Backward: dx = dy / (1 - x^2).
/// PyTorch: torch.atanh
template <Real T>
Tensor<T> atanh(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::atanh(v); });
  return record("atanh", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / (1 - x * x)); });
}

}  // namespace gloss::inline GLOSS_ABI
