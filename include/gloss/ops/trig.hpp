// Trigonometric functions and their inverses
#pragma once

#include <cmath>

#include <gloss/ops/sqrt.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = sin x.
/// Backward: dx = dy cos x.
/// PyTorch: torch.sin
template <Real T>
Tensor<T> sin(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::sin(v); });
  return record("sin", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * cos(x)); });
}
/// y = cos x.
/// Backward: dx = -dy sin x.
/// PyTorch: torch.cos
template <Real T>
Tensor<T> cos(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::cos(v); });
  return record("cos", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, -(dy * sin(x))); });
}
/// y = tan x.
/// Backward: dx = dy (1 + y^2).
/// PyTorch: torch.tan
template <Real T>
Tensor<T> tan(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::tan(v); });
  return record("tan", y, {x}, [saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> t = dx.result(saved);
    dx.add(0, dy * (t * t + 1));
  });
}
/// y = the angle in [-pi/2, pi/2] whose sine is x; NaN beyond [-1, 1].
/// Backward: dx = dy / sqrt(1 - x^2).
/// PyTorch: torch.asin
template <Real T>
Tensor<T> asin(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::asin(v); });
  return record("asin", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / sqrt(1 - x * x)); });
}
/// y = the angle in [0, pi] whose cosine is x; NaN beyond [-1, 1].
/// Backward: dx = -dy / sqrt(1 - x^2).
/// PyTorch: torch.acos
template <Real T>
Tensor<T> acos(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::acos(v); });
  return record("acos", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, -(dy / sqrt(1 - x * x))); });
}
/// y = the angle in (-pi/2, pi/2) whose tangent is x.
/// Backward: dx = dy / (1 + x^2).
/// PyTorch: torch.atan
template <Real T>
Tensor<T> atan(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::atan(v); });
  return record("atan", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / (x * x + 1)); });
}
/// The angle of the point (x, y), in [-pi, pi].
/// Shape: y, x broadcast.
/// Errors: ShapeError when they do not.
/// Backward: dy' = d x / (x^2 + y^2), dx' = -d y / (x^2 + y^2) with d the gradient that arrives; 0 at the origin.
/// PyTorch: torch.atan2
template <Real T>
Tensor<T> atan2(const Tensor<T>& y, const Tensor<T>& x) {
  Tensor<T> angle = map_binary<T>("atan2", y, x, [](T p, T q) { return std::atan2(p, q); });
  return record("atan2", angle, {y, x}, [y, x](const Tensor<T>& d, Grads& dx) {
    const Tensor<T> square = y * y + x * x;
    const Tensor<T> g = d / (square + map_unary<T>(square, [](T v) { return static_cast<T>(v == T{0}); }));
    if (dx.needs(0)) dx.add(0, sum_to(g * x, y.shape()));
    if (dx.needs(1)) dx.add(1, -sum_to(g * y, x.shape()));
  });
}

}  // namespace gloss::inline GLOSS_ABI
