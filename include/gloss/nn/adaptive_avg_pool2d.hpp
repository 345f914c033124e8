// The mean of as many parts of images as are asked for.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The mean of each of output_size parts: see adaptive_avg_pool2d; of size 1 it is global average pooling.
/// Shape: [n, c, h, w] or [c, h, w] -> [n, c, output_size]; a size of {} is x's own
/// Errors: ShapeError as adaptive_avg_pool2d.
/// PyTorch: torch.nn.AdaptiveAvgPool2d
template <Real T>
struct AdaptiveAvgPool2d final : Module<T> {
  AdaptiveSize output_size;

  explicit AdaptiveAvgPool2d(AdaptiveSize size) : output_size(size) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(adaptive_avg_pool2d(x, output_size)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
