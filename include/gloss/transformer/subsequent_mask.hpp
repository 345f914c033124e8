// AT's "subsequent_mask": position i may attend to positions up to i.
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// mask[0, i, j] = j <= i.
/// Shape: [1, size, size]
/// Source: paper 3.1. AT: subsequent_mask
GLOSS_LAZY Tensor<bool> subsequent_mask(Index size) {
  Tensor<bool> mask = empty<bool>({1, size, size});
  for (Index i = 0; i < size; ++i)
    for (Index j = 0; j < size; ++j) mask.data()[i * size + j] = j <= i;
  return mask;
}

}  // namespace gloss::inline GLOSS_ABI::transformer
