// Smooth rectifier, and the logarithm of the logistic function
#pragma once

#include <gloss/kernels/rectifiers.hpp>
#include <gloss/ops/add.hpp>
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
  return map_smooth(
      "softplus", x, [=](const T* in, T* y, Index n) { kernels::softplus_forward(in, y, n, beta, threshold); },
      [=](const T* in, const T* dy, T* dx, Index n) { kernels::softplus_backward(in, dy, dx, n, beta, threshold); },
      [=](const Tensor<T>& v) {  // past the threshold the slope is 1: as sigmoid(infinity)
        const Tensor<T> past = map_unary<T>(v, [=](T u) { return u * beta > threshold ? detail::highest<T>() : T{0}; });
        return sigmoid(v * static_cast<double>(beta) + past);
      });
}

/// y = ln(1 / (1 + e^-x)), without overflow.
/// Backward: dx = dy sigmoid(-x).
/// PyTorch: torch.nn.functional.logsigmoid
template <Real T>
Tensor<T> log_sigmoid(const Tensor<T>& x) {
  return map_smooth("log_sigmoid", x, kernels::log_sigmoid_forward<T>, kernels::log_sigmoid_backward<T>,
                    [](const Tensor<T>& v) { return sigmoid(-v); });
}

}  // namespace gloss::inline GLOSS_ABI
