// Rectifiers that are exponential below 0.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/leaky_relu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = x above 0, alpha (e^x - 1) below.
/// Shape: any.
/// Source: Clevert, Unterthiner and Hochreiter 2015.
/// PyTorch: torch.nn.ELU
template <Real T>
struct ELU final : Module<T> {
  double alpha;

  explicit ELU(double alpha_below = 1) : alpha(alpha_below) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(elu(x, alpha)); }
  void visit(Visitor<T>&) override {}
};

/// y = x above 0, alpha (e^(x / alpha) - 1) below.
/// Shape: any.
/// Errors: Error when alpha is 0.
/// Source: Barron 2017.
/// PyTorch: torch.nn.CELU
template <Real T>
struct CELU final : Module<T> {
  double alpha;

  explicit CELU(double alpha_below = 1) : alpha(alpha_below) {
    if (alpha == 0) fail("CELU: alpha is 0");
  }
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(celu(x, alpha)); }
  void visit(Visitor<T>&) override {}
};

/// y = s x above 0, s alpha (e^x - 1) below, with alpha = 1.6733 and s = 1.0507.
/// Shape: any.
/// Source: Klambauer et al. 2017.
/// PyTorch: torch.nn.SELU
template <Real T>
struct SELU final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(selu(x)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
