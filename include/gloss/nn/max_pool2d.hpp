// The largest element of windows of images.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The largest element of each window: see max_pool2d, whose options it takes.
/// Shape: [n, c, h, w] or [c, h, w] -> [n, c, h', w']
/// Errors: ShapeError as max_pool2d.
/// PyTorch: torch.nn.MaxPool2d; return_indices=True is with_indices
template <Real T>
struct MaxPool2d final : Module<T> {
  Pair kernel_size;
  MaxPool2dOptions options;

  explicit MaxPool2d(Pair kernel, MaxPool2dOptions given = {}) : kernel_size(kernel), options(given) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(max_pool2d(x, kernel_size, options)); }
  /// The values and where they stood.
  ValuesIndices<T> with_indices(const Tensor<T>& x) const {
    ValuesIndices<T> found = max_pool2d_with_indices(x, kernel_size, options);
    found.values = this->output(found.values);
    return found;
  }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
