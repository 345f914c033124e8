// ALiBi: scores fall in proportion to the distance, each head at its own slope. Nothing is trained.
#pragma once

#include <cmath>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Slopes 2^(-8/h), 2^(-16/h), ..., 2^(-8) for a power of two h of heads. For another number, those of the power of two
/// below it, and then every second one of twice that power: the 1st, 3rd, 5th, ...
/// Shape: heads -> [heads]
/// Errors: ShapeError when heads is not positive.
/// Source: Press et al. 2022, 3 and its code. PyTorch: transformers' Bloom
template <Real T>
Tensor<T> alibi_slopes(Index heads) {
  if (heads <= 0) fail<ShapeError>("alibi_slopes: ", heads, " heads");
  Index below = 1;
  while (below <= heads / 2) below *= 2;
  Tensor<T> slopes = empty<T>({heads});
  for (Index h = 0; h < heads; ++h) {
    const Index power = h < below ? 2 * (h + 1) : 2 * (h - below) + 1;  // in steps of half a head
    slopes.data()[h] = static_cast<T>(std::exp2(-4 * static_cast<double>(power) / static_cast<double>(below)));
  }
  return slopes;
}

/// B[head, i, j] = -slope_head |i + m - n - j|: the n queries are the last of m positions, as
/// scaled_dot_product_attention has it for `causal`.
/// Shape: heads, n, m -> [heads, n, m], a `bias` of attention
/// Errors: ShapeError when heads is not positive, for a negative size and for more queries than keys.
/// Source: Press et al. 2022, 3.
template <Real T>
Tensor<T> alibi_bias(Index heads, Index n, Index m) {
  if (n < 0 || m < n) fail<ShapeError>("alibi_bias: ", n, " queries do not end ", m, " keys");
  const Tensor<T> slopes = alibi_slopes<T>(heads);
  Tensor<T> bias = empty<T>({heads, n, m});
  T* b = bias.data();
  for (Index h = 0; h < heads; ++h)
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < m; ++j) *b++ = -slopes.data()[h] * static_cast<T>(std::abs(i + m - n - j));
  return bias;
}

/// B[head, 0, j] = slope_head j. Under a causal mask it differs from alibi_bias by a number for each query, which
/// softmax does not see, and has no axis of queries. With a mask of the keys that are no padding, j counts those only,
/// and is 0 for the others.
/// Shape: heads, m -> [heads, 1, m]; heads, mask [batch, m] -> [batch, heads, 1, m]
/// Errors: ShapeError when heads is not positive, for a negative size, or when mask has not two axes.
/// PyTorch: transformers' Bloom, build_alibi_tensor
template <Real T>
Tensor<T> alibi_key_bias(Index heads, const Tensor<bool>& mask) {
  if (mask.dim() != 2) fail<ShapeError>("alibi_key_bias: mask ", mask.shape(), " is not [batch, keys]");
  const Tensor<T> slopes = alibi_slopes<T>(heads);
  const Tensor<bool> real = mask.contiguous();
  const Index batch = mask.size(0), m = mask.size(1);
  Tensor<T> bias = empty<T>({batch, heads, 1, m});
  for (Index b = 0; b < batch; ++b) {
    Index seen = 0;
    for (Index j = 0; j < m; ++j) {
      const bool counts = real.data()[b * m + j];
      for (Index h = 0; h < heads; ++h)
        bias.data()[(b * heads + h) * m + j] = counts ? slopes.data()[h] * static_cast<T>(seen) : T{0};
      seen += counts;
    }
  }
  return bias;
}
template <Real T>
Tensor<T> alibi_key_bias(Index heads, Index m) {
  if (m < 0) fail<ShapeError>("alibi_key_bias: negative size: m ", m);
  return alibi_key_bias<T>(heads, ones<bool>({1, m})).select(0, 0);
}

}  // namespace gloss::inline GLOSS_ABI::nn
