// Gaussian error linear unit
#pragma once

#include <cmath>

#include <gloss/ops/erf.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/tanh.hpp>

namespace gloss::inline GLOSS_ABI {

enum class GeluKind {
  exact,  // by the error function
  tanh,   // by a tanh that differs by up to 5e-4, as GPT-2 has it
};

namespace detail {
inline constexpr double gelu_beta = 0.79788456080286535588;  // sqrt(2 / pi)
inline constexpr double gelu_cubic = 0.044715;

/// The derivative of gelu, made of recorded ops: what a second derivative goes through.
template <class T>
Tensor<T> gelu_slope(const Tensor<T>& x, GeluKind kind) {
  if (kind == GeluKind::exact)
    return (erf(x * 0.70710678118654752440) + 1) * 0.5 + x * exp(x * x * -0.5) * 0.39894228040143267794;
  const Tensor<T> square = x * x;
  const Tensor<T> t = tanh(x * (square * gelu_cubic + 1) * gelu_beta);
  return (t + 1) * 0.5 + x * 0.5 * (1 - t * t) * ((square * (3 * gelu_cubic) + 1) * gelu_beta);
}
}  // namespace detail

/// y = x Phi(x), with Phi the normal distribution function; kind tanh: y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715
/// x^3))). Backward: dx = dy * (Phi(x) + x phi(x)), phi the normal density; for tanh its own derivative; x is saved.
/// Source: Hendrycks and Gimpel 2016.
/// PyTorch: torch.nn.functional.gelu
template <Real T>
Tensor<T> gelu(const Tensor<T>& x, GeluKind kind = GeluKind::exact) {
  constexpr T half = T(0.5), root = T(0.70710678118654752440), density = T(0.39894228040143267794);
  constexpr T beta = T(detail::gelu_beta), cubic = T(detail::gelu_cubic);
  Tensor<T> y =
      kind == GeluKind::exact
          ? map_unary<T>(x, [](T v) { return half * v * (T{1} + std::erf(v * root)); })
          : map_unary<T>(x, [](T v) { return half * v * (T{1} + std::tanh(beta * v * (T{1} + cubic * v * v))); });
  return record("gelu", y, {x}, [x, kind](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled())
      dx.add(0, dy * detail::gelu_slope(x, kind));
    else if (kind == GeluKind::exact)
      dx.add(0, map_binary<T>("gelu", dy, x, [](T g, T v) {
               return g * (half * (T{1} + std::erf(v * root)) + v * density * std::exp(-half * v * v));
             }));
    else
      dx.add(0, map_binary<T>("gelu", dy, x, [](T g, T v) {
               const T t = std::tanh(beta * v * (T{1} + cubic * v * v));
               return g * half * (T{1} + t + v * (T{1} - t * t) * beta * (T{1} + 3 * cubic * v * v));
             }));
  });
}

}  // namespace gloss::inline GLOSS_ABI
