// AT's "attention": scaled dot-product attention (paper 3.2.1).
#pragma once

#include <cmath>

#include <gloss/ops/compare.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/softmax.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// What attention yields: the mix of values and, where asked for, the weights it was mixed with.
template <Real T>
struct AttentionResult {
  Tensor<T> x;
  Tensor<T> p_attn;
};

/// Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V. Where mask is false, the score is -1e9 before the softmax, so a
/// row with nothing to attend to is uniform. This is the form that reads like the paper and returns the weights.
/// Shape: query [..., n, d_k], key [..., m, d_k], value [..., m, d_v], mask broadcast to [..., n, m] -> [..., n, d_v]
/// Errors: ShapeError as matmul's and masked_fill's.
/// Source: paper 3.2.1, eq. 1. AT: attention
template <Real T>
AttentionResult<T> attention(const Tensor<T>& query, const Tensor<T>& key, const Tensor<T>& value,
                             const Tensor<bool>& mask = {}, double p_drop = 0) {
  const double d_k = static_cast<double>(query.size(-1));
  Tensor<T> scores = matmul(query, key.transpose(-2, -1)) * (1 / std::sqrt(d_k));
  if (mask.defined()) scores = masked_fill(scores, !mask, -1e9);
  const Tensor<T> p_attn = dropout(softmax(scores, -1), p_drop);
  return {matmul(p_attn, value), p_attn};
}

}  // namespace gloss::inline GLOSS_ABI::transformer
