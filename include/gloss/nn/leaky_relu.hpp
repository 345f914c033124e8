// The rectifier that leaves a slope below 0.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/leaky_relu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = x above 0, negative_slope x below.
/// Shape: any.
/// PyTorch: torch.nn.LeakyReLU
template <Real T>
struct LeakyReLU final : Module<T> {
  double negative_slope;

  explicit LeakyReLU(double slope = 0.01) : negative_slope(slope) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(leaky_relu(x, negative_slope)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
