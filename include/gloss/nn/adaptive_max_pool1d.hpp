// The largest element of as many parts of sequences as are asked for.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The largest element of each of output_size parts: see adaptive_max_pool1d.
/// Shape: [n, c, length] or [c, length] -> [n, c, output_size]
/// Errors: ShapeError as adaptive_max_pool1d.
/// PyTorch: torch.nn.AdaptiveMaxPool1d; return_indices=True is with_indices
template <Real T>
struct AdaptiveMaxPool1d final : Module<T> {
  Index output_size;

  explicit AdaptiveMaxPool1d(Index size) : output_size(size) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return with_indices(x).values; }
  /// The values and where they stood.
  ValuesIndices<T> with_indices(const Tensor<T>& x) const {
    ValuesIndices<T> found = adaptive_max_pool1d(x, output_size);
    found.values = this->output(found.values);
    return found;
  }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
