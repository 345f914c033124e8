// The mean of windows of sequences.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The mean of each window: see avg_pool1d, whose options it takes.
/// Shape: [n, c, length] or [c, length] -> [n, c, l]
/// Errors: ShapeError as avg_pool1d.
/// PyTorch: torch.nn.AvgPool1d
template <Real T>
struct AvgPool1d final : Module<T> {
  Index kernel_size;
  AvgPool1dOptions options;

  explicit AvgPool1d(Index kernel, AvgPool1dOptions given = {}) : kernel_size(kernel), options(given) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(avg_pool1d(x, kernel_size, options)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
