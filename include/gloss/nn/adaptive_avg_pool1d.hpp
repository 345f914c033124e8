// The mean of as many parts of sequences as are asked for.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The mean of each of output_size parts: see adaptive_avg_pool1d; of size 1 it is global average pooling.
/// Shape: [n, c, length] or [c, length] -> [n, c, output_size]
/// Errors: ShapeError as adaptive_avg_pool1d.
/// PyTorch: torch.nn.AdaptiveAvgPool1d
template <Real T>
struct AdaptiveAvgPool1d final : Module<T> {
  Index output_size;

  explicit AdaptiveAvgPool1d(Index size) : output_size(size) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(adaptive_avg_pool1d(x, output_size)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
