// Activations made of straight lines and parabolas.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/hardswish.hpp>
#include <gloss/ops/leaky_relu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = min(max(x, min_val), max_val).
/// Shape: any.
/// Errors: Error when max_val is not above min_val.
/// PyTorch: torch.nn.Hardtanh
template <Real T>
struct Hardtanh final : Module<T> {
  double min_val, max_val;

  explicit Hardtanh(double low = -1, double high = 1) : min_val(low), max_val(high) {
    if (!(max_val > min_val)) fail("Hardtanh: max_val ", max_val, " is not above min_val ", min_val);
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(hardtanh(x, static_cast<T>(min_val), static_cast<T>(max_val)));
  }
  void visit(Visitor<T>&) override {}
};

/// y = min(max(x + 3, 0), 6) / 6.
/// Shape: any.
/// PyTorch: torch.nn.Hardsigmoid
template <Real T>
struct Hardsigmoid final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(hardsigmoid(x)); }
  void visit(Visitor<T>&) override {}
};

/// y = x min(max(x + 3, 0), 6) / 6.
/// Shape: any.
/// Source: Howard et al. 2019.
/// PyTorch: torch.nn.Hardswish
template <Real T>
struct Hardswish final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(hardswish(x)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
