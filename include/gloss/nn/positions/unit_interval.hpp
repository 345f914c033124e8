// The second idea: positions squeezed into [0, 1].
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Position p of n is p / (n - 1), a single one is 0. It is bounded, but the step between neighbours depends on n: the
/// same distance is another number in a longer sequence.
/// Shape: n -> [n, 1], which stretches over the width of what it is added to.
/// Errors: ShapeError when n is negative.
/// PyTorch: torch.linspace(0, 1, n).unsqueeze(1)
template <Real T>
Tensor<T> unit_interval_positions(Index n) {
  if (n < 0) fail<ShapeError>("unit_interval_positions: negative size: n ", n);
  return linspace<T>(0, 1, n).unsqueeze(1);
}

}  // namespace gloss::inline GLOSS_ABI::nn
