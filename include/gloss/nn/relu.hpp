// The rectifier, and the one with a ceiling.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/leaky_relu.hpp>
#include <gloss/ops/relu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = max(x, 0).
/// Shape: any.
/// PyTorch: torch.nn.ReLU
template <Real T>
struct ReLU final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(relu(x)); }
  void visit(Visitor<T>&) override {}
};

/// y = min(max(x, 0), 6).
/// Shape: any.
/// Source: Howard et al. 2017.
/// PyTorch: torch.nn.ReLU6
template <Real T>
struct ReLU6 final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(hardtanh(x, 0, 6)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
