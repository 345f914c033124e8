// The sigmoid linear unit.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/silu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = x sigmoid(x).
/// Shape: any.
/// Source: Hendrycks and Gimpel 2016.
/// PyTorch: torch.nn.SiLU
template <Real T>
struct SiLU final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(silu(x)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
