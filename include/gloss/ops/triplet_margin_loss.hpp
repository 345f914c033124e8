// An example nearer to its own kind than to another
#pragma once

#include <gloss/ops/normalize.hpp>
#include <gloss/ops/reduce_loss.hpp>

namespace gloss::inline GLOSS_ABI {

struct TripletMarginLossOptions {
  double margin = 1;
  double p = 2;       // which norm
  double eps = 1e-6;  // added to every difference
  bool swap = false;  // the nearer of negative to anchor and negative to positive counts
  LossReduction reduction = LossReduction::mean;
};

/// loss = max(|anchor - positive + eps|_p - |anchor - negative + eps|_p + margin, 0) by rows.
/// Shape: each [n, d] or [d], alike -> [], or [n] for reduction none.
/// Errors: ShapeError when they differ, Error for a margin that is not above 0.
/// Backward: made of ops.
/// PyTorch: torch.nn.functional.triplet_margin_loss
template <Real T>
Tensor<T> triplet_margin_loss(const Tensor<T>& anchor, const Tensor<T>& positive, const Tensor<T>& negative,
                              TripletMarginLossOptions options = {}) {
  if (!(options.margin > 0)) fail("triplet_margin_loss: margin ", options.margin, " is not above 0");
  if (positive.shape() != anchor.shape() || negative.shape() != anchor.shape() || anchor.dim() == 0)
    fail<ShapeError>("triplet_margin_loss: rows of one shape are wanted: anchor ", anchor.shape(), ", positive ",
                     positive.shape(), ", negative ", negative.shape());
  const PairwiseDistanceOptions distance{.p = options.p, .eps = options.eps};
  const Tensor<T> to_positive = pairwise_distance(anchor, positive, distance);
  Tensor<T> to_negative = pairwise_distance(anchor, negative, distance);
  if (options.swap) to_negative = minimum(to_negative, pairwise_distance(positive, negative, distance));
  const Tensor<T> losses = clamp_min(to_positive - to_negative + options.margin, 0);
  return reduce_loss(losses, options.reduction, static_cast<double>(losses.numel()));
}

}  // namespace gloss::inline GLOSS_ABI
