// Mish, a smooth rectifier.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/mish.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = x tanh(ln(1 + e^x)).
/// Shape: any.
/// Source: Misra 2019.
/// PyTorch: torch.nn.Mish
template <Real T>
struct Mish final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(mish(x)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
