// The mean of windows of images.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The mean of each window: see avg_pool2d, whose options it takes.
/// Shape: [n, c, h, w] or [c, h, w] -> [n, c, h', w']
/// Errors: ShapeError as avg_pool2d.
/// PyTorch: torch.nn.AvgPool2d
template <Real T>
struct AvgPool2d final : Module<T> {
  Pair kernel_size;
  AvgPool2dOptions options;

  explicit AvgPool2d(Pair kernel, AvgPool2dOptions given = {}) : kernel_size(kernel), options(given) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(avg_pool2d(x, kernel_size, options)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
