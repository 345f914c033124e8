// The dropout layer.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/dropout.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// In training, each element is 0 with probability p and otherwise divided by 1 - p; in evaluation, the identity.
/// Shape: any.
/// Errors: Error when p is not in [0, 1].
/// PyTorch: torch.nn.Dropout
template <Real T>
struct Dropout final : Module<T> {
  double p;

  explicit Dropout(double p_drop = 0.5) : p(p_drop) {
    if (!(p >= 0 && p <= 1)) fail("Dropout: p ", p, " is not in [0, 1]");
  }
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(dropout(x, p, this->is_training())); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
