// The first idea for a position encoding: the position itself.
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Position p is the number p. It grows without bound, so that late positions drown the words they are added to.
/// Shape: n -> [n, 1], which stretches over the width of what it is added to.
/// Errors: ShapeError when n is negative.
/// PyTorch: torch.arange(n).unsqueeze(1)
template <Real T>
Tensor<T> index_positions(Index n) {
  if (n < 0) fail<ShapeError>("index_positions: negative size: n ", n);
  return arange<T>(static_cast<double>(n)).unsqueeze(1);
}

}  // namespace gloss::inline GLOSS_ABI::nn
