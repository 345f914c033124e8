// Square root
#pragma once

#include <cmath>

#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x^(1/2); NaN below 0.
/// Backward: dx = dy / (2 y); infinite at 0; y is saved.
/// PyTorch: torch.sqrt
template <Real T>
Tensor<T> sqrt(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::sqrt(v); });
  return record("sqrt", y, {x},
                [saved = y.detach()](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / (dx.result(saved) * 2)); });
}

}  // namespace gloss::inline GLOSS_ABI
