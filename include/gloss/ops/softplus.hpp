// Smooth rectifier, and the logarithm of the logistic function
#pragma once

#include <cmath>

#include <gloss/ops/sigmoid.hpp>

namespace gloss::inline GLOSS_ABI {

struct SoftplusOptions {
  double beta = 1;
  double threshold = 20;  // y = x where beta x is above it
};

/// y = ln(1 + e^(beta x)) / beta.
/// Backward: dx = dy sigmoid(beta x); dy beyond the threshold.
/// PyTorch: torch.nn.functional.softplus
template <Real T>
Tensor<T> softplus(const Tensor<T>& x, SoftplusOptions options = {}) {
  const T beta = static_cast<T>(options.beta), threshold = static_cast<T>(options.threshold);
  Tensor<T> y = map_unary<T>(x, [=](T v) { return v * beta > threshold ? v : std::log1p(std::exp(v * beta)) / beta; });
  return record("softplus", y, {x}, [x, beta, threshold](const Tensor<T>& dy, Grads& dx) {
    // past the threshold the slope is 1: as sigmoid(infinity)
    const Tensor<T> past = map_unary<T>(x, [=](T v) { return v * beta > threshold ? detail::highest<T>() : T{0}; });
    dx.add(0, dy * sigmoid(x * static_cast<double>(beta) + past));
  });
}

/// y = ln(1 / (1 + e^-x)), without overflow.
/// Backward: dx = dy sigmoid(-x).
/// PyTorch: torch.nn.functional.logsigmoid
template <Real T>
Tensor<T> log_sigmoid(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return (v < T{0} ? v : T{0}) - std::log1p(std::exp(-std::abs(v))); });
  return record("log_sigmoid", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * sigmoid(-x)); });
}

}  // namespace gloss::inline GLOSS_ABI
