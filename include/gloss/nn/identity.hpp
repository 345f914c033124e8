// A layer that does nothing.
#pragma once

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = x: in the place of a layer that is not wanted.
/// Shape: any.
/// PyTorch: torch.nn.Identity
template <Real T>
struct Identity final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(x); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
