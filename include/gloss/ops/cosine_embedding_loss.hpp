// Pairs that point the same way or do not
#pragma once

#include <gloss/ops/normalize.hpp>
#include <gloss/ops/reduce_loss.hpp>

namespace gloss::inline GLOSS_ABI {

struct CosineEmbeddingLossOptions {
  double margin = 0;  // the cosine from which a pair of different kinds counts
  LossReduction reduction = LossReduction::mean;
};

/// loss = 1 - cos(a, b) where the target is 1, max(cos(a, b) - margin, 0) where it is -1, else 0, by rows;
/// cos = a . b / sqrt((|a|^2 + 1e-12) (|b|^2 + 1e-12)).
/// Shape: a and b alike, [n, d] or [d], target [n] or [] -> [], or as target for reduction none.
/// Errors: ShapeError when they do not fit.
/// Backward: made of ops.
/// PyTorch: torch.nn.functional.cosine_embedding_loss
template <Real T, Number U>
Tensor<T> cosine_embedding_loss(const Tensor<T>& a, const Tensor<T>& b, const Tensor<U>& target,
                                CosineEmbeddingLossOptions options = {}) {
  if (a.shape() != b.shape() || a.dim() == 0 || target.shape() != Shape(a.shape().begin(), a.shape().end() - 1))
    fail<ShapeError>("cosine_embedding_loss: pairs of rows and a target for each are wanted: a ", a.shape(), ", b ",
                     b.shape(), ", target ", target.shape());
  const auto square_length = [](const Tensor<T>& x) { return sum(square(x), -1) + 1e-12; };
  const Tensor<T> cosine = sum(a * b, -1) / sqrt(square_length(a) * square_length(b));
  const Tensor<T> apart = where(target == -1, clamp_min(cosine - options.margin, 0), scalar<T>(0));
  const Tensor<T> losses = where(target == 1, 1 - cosine, apart);
  return reduce_loss(losses, options.reduction, static_cast<double>(losses.numel()));
}

}  // namespace gloss::inline GLOSS_ABI
