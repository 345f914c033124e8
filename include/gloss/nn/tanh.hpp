// The hyperbolic tangent.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/tanh.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = tanh x.
/// Shape: any.
/// PyTorch: torch.nn.Tanh
template <Real T>
struct Tanh final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(tanh(x)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
