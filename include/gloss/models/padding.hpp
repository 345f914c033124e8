// Masks of tokens that are padding, as a causal model takes them, and positions beside it.
#pragma once

#include <gloss/ops/compare.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// Which keys attention may look at, where `model` reads `ids` behind `start` tokens in a cache; undefined, and so all,
/// without a mask.
/// Shape: ids [batch, n], attention_mask [batch, start + n], 0 for padding -> [batch, 1, 1, start + n]
/// Errors: ShapeError in the name of the model when they have other shapes.
GLOSS_COLD inline Tensor<bool> kept_keys(const char* model, const Tensor<std::int64_t>& ids, Index start,
                                         const Tensor<std::int64_t>& attention_mask) {
  if (ids.dim() != 2) fail<ShapeError>(model, ": ids ", ids.shape(), " must be [batch, n]");
  if (!attention_mask.defined()) return {};
  const Index batch = ids.size(0), positions = start + ids.size(1);
  if (attention_mask.shape() != Shape{batch, positions})
    fail<ShapeError>(model, ": attention_mask ", attention_mask.shape(), " must be ", Shape{batch, positions});
  return (attention_mask != 0).reshape({batch, 1, 1, positions});
}

/// Of each row's last n places the position among those that count, from 0; 0 for padding.
/// Shape: attention_mask [batch, positions] -> [batch, n]
GLOSS_COLD inline Tensor<std::int64_t> positions_without_padding(const Tensor<std::int64_t>& attention_mask, Index n) {
  const Index rows = attention_mask.size(0), all = attention_mask.size(1);
  const Tensor<std::int64_t> positions = zeros<std::int64_t>({rows, n});
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0, position = 0; j < all; ++j) {
      if (attention_mask.at({i, j}) == 0) continue;
      if (j >= all - n) positions.at({i, j - (all - n)}) = position;
      ++position;
    }
  return positions;
}

}  // namespace gloss::inline GLOSS_ABI::models
