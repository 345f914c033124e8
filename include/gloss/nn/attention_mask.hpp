// Masks of attention as PyTorch's layers take them.
#pragma once

#include <limits>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// A mask of bools, where true hides, or of numbers, which are added to the scores (and may need a gradient); from
/// either, or none. Note that in scaled_dot_product_attention and in transformer:: true means the reverse: may attend.
/// PyTorch: attn_mask and key_padding_mask of torch.nn.MultiheadAttention
template <Real T>
struct AttentionMask {
  Tensor<bool> hidden;
  Tensor<T> added;

  AttentionMask() = default;
  AttentionMask(const Tensor<bool>& mask) : hidden(mask) {}
  AttentionMask(const Tensor<T>& mask) : added(mask) {}

  /// Whether there is a mask, and its sizes.
  bool defined() const { return hidden.defined() || added.defined(); }
  const Shape& shape() const { return hidden.defined() ? hidden.shape() : added.shape(); }
};

/// mask[i, j] = 0 for j <= i, -infinity for j > i: position i attends to none after it.
/// Shape: [size, size]
/// Errors: ShapeError for a negative size.
/// PyTorch: torch.nn.Transformer.generate_square_subsequent_mask
template <Real T = float>
Tensor<T> generate_square_subsequent_mask(Index size) {
  Tensor<T> mask = zeros<T>({size, size});
  for (Index i = 0; i < size; ++i)
    for (Index j = i + 1; j < size; ++j) mask.data()[i * size + j] = -std::numeric_limits<T>::infinity();
  return mask;
}

namespace detail {
/// What is_causal is where nobody said: whether the mask is generate_square_subsequent_mask's, or the same in bools.
template <Real T>
bool is_square_subsequent(const AttentionMask<T>& mask) {
  if (!mask.defined() || mask.shape().rank() != 2 || mask.shape()[0] != mask.shape()[1]) return false;
  const Index size = mask.shape()[0];
  const auto agrees = [size](const auto& x, auto seen, auto unseen) {
    const Index row = x.strides()[0], column = x.strides()[1];
    for (Index i = 0; i < size; ++i)
      for (Index j = 0; j < size; ++j)
        if (!(x.data()[i * row + j * column] == (j <= i ? seen : unseen))) return false;
    return true;
  };
  if (mask.hidden.defined()) return agrees(mask.hidden, false, true);
  return agrees(mask.added, T{0}, -std::numeric_limits<T>::infinity());
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::nn
