// The smooth rectifier, and the logarithm of the logistic function.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/softplus.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = ln(1 + e^(beta x)) / beta, and x where beta x is above threshold.
/// Shape: any.
/// PyTorch: torch.nn.Softplus
template <Real T>
struct Softplus final : Module<T> {
  SoftplusOptions options;

  explicit Softplus(SoftplusOptions beta_and_threshold = {}) : options(beta_and_threshold) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(softplus(x, options)); }
  void visit(Visitor<T>&) override {}
};

/// y = ln(1 / (1 + e^-x)).
/// Shape: any.
/// PyTorch: torch.nn.LogSigmoid
template <Real T>
struct LogSigmoid final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(log_sigmoid(x)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
