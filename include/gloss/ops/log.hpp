// Natural logarithm
#pragma once

#include <cmath>
#include <numbers>

#include <gloss/kernels/activation.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = ln x; -infinity at 0, NaN below.
/// Backward: dx = dy / x; x is saved.
/// PyTorch: torch.log
template <Real T>
Tensor<T> log(const Tensor<T>& x) {
  Tensor<T> y = map_dense(x, kernels::log_forward<T>);
  return record("log", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / x); });
}

/// y = the logarithm of x to base 2.
/// Backward: dx = dy / (x ln 2).
/// PyTorch: torch.log2
template <Real T>
Tensor<T> log2(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::log2(v); });
  return record("log2", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / (x * std::numbers::ln2)); });
}
/// y = the logarithm of x to base 10.
/// Backward: dx = dy / (x ln 10).
/// PyTorch: torch.log10
template <Real T>
Tensor<T> log10(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::log10(v); });
  return record("log10", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / (x * std::numbers::ln10)); });
}
/// y = ln(1 + x), exact to the last digits near 0.
/// Backward: dx = dy / (1 + x).
/// PyTorch: torch.log1p
template <Real T>
Tensor<T> log1p(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::log1p(v); });
  return record("log1p", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / (x + 1)); });
}

}  // namespace gloss::inline GLOSS_ABI
