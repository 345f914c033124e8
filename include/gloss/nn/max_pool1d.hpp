// The largest element of windows of sequences.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The largest element of each window: see max_pool1d, whose options it takes.
/// Shape: [n, c, length] or [c, length] -> [n, c, l]
/// Errors: ShapeError as max_pool1d.
/// PyTorch: torch.nn.MaxPool1d; return_indices=True is with_indices
template <Real T>
struct MaxPool1d final : Module<T> {
  Index kernel_size;
  MaxPool1dOptions options;

  explicit MaxPool1d(Index kernel, MaxPool1dOptions given = {}) : kernel_size(kernel), options(given) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(max_pool1d(x, kernel_size, options)); }
  /// The values and where they stood.
  ValuesIndices<T> with_indices(const Tensor<T>& x) const {
    ValuesIndices<T> found = max_pool1d_with_indices(x, kernel_size, options);
    found.values = this->output(found.values);
    return found;
  }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
