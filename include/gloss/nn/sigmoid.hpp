// The logistic function.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/sigmoid.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = 1 / (1 + e^-x).
/// Shape: any.
/// PyTorch: torch.nn.Sigmoid
template <Real T>
struct Sigmoid final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(sigmoid(x)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
