// The Gaussian error linear unit.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/gelu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = x Phi(x), Phi the normal distribution function; GeluKind::tanh is the approximation by a tanh.
/// Shape: any.
/// Source: Hendrycks and Gimpel 2016.
/// PyTorch: torch.nn.GELU, whose approximate="tanh" is GeluKind::tanh
template <Real T>
struct GELU final : Module<T> {
  GeluKind approximate;

  explicit GELU(GeluKind kind = GeluKind::exact) : approximate(kind) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(gelu(x, approximate)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
