// Vectors by length and angle: normalize, pairwise_distance, cosine_similarity
#pragma once

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/norm.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

struct NormalizeOptions {
  double p = 2;        // which norm
  double eps = 1e-12;  // the least that is divided by
};

/// y = x / max(|x|_p, eps), the norm taken along an axis.
/// Shape: x
/// Errors: IndexError for a wrong axis.
/// PyTorch: torch.nn.functional.normalize
template <Real T>
Tensor<T> normalize(const Tensor<T>& x, Index axis = 1, NormalizeOptions options = {}) {
  normalize_axis("normalize", axis, x.dim());
  return x / clamp_min(norm(x, options.p, axis, {.keepdim = true}), options.eps);
}

struct PairwiseDistanceOptions {
  double p = 2;          // which norm
  double eps = 1e-6;     // added to every difference, so that none is 0
  bool keepdim = false;  // keep the last axis with size 1
};

/// y = |a - b + eps|_p along the last axis: the distance between each row of a and the same row of b. cdist compares
/// every row with every row.
/// Shape: a, b broadcast to [..., n] -> [...]
/// Errors: ShapeError when they do not broadcast.
/// PyTorch: torch.nn.functional.pairwise_distance
template <Real T>
Tensor<T> pairwise_distance(const Tensor<T>& a, const Tensor<T>& b, PairwiseDistanceOptions options = {}) {
  broadcast_shapes("pairwise_distance", a.shape(), b.shape());
  return norm(a - b + options.eps, options.p, -1, {.keepdim = options.keepdim});
}

/// y = a . b / (max(|a|, eps) max(|b|, eps)) along an axis: the cosine of the angle between them.
/// Shape: a, b broadcast; y is without the axis.
/// Errors: ShapeError when they do not broadcast, IndexError for a wrong axis, Error for a negative eps.
/// PyTorch: torch.nn.functional.cosine_similarity
template <Real T>
Tensor<T> cosine_similarity(const Tensor<T>& a, const Tensor<T>& b, Index axis = 1, double eps = 1e-8) {
  if (!(eps >= 0)) fail("cosine_similarity: eps ", eps, " is negative");
  const Shape shape = broadcast_shapes("cosine_similarity", a.shape(), b.shape());
  const int k = normalize_axis("cosine_similarity", axis, shape.rank());
  return sum(normalize(a.expand(shape), k, {.eps = eps}) * normalize(b.expand(shape), k, {.eps = eps}), k);
}

}  // namespace gloss::inline GLOSS_ABI
