// What a loss function says of a batch: the mean, how many things it is the mean of, and what metrics ask for.
#pragma once

#include <utility>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Stands where a loss function gives no scores.
struct NoScores {};

/// What fit and evaluate take from loss(model, batch) beside a tensor of one number, where it matters how much a batch
/// weighs, or where metrics want scores and target:
///   return train::BatchLoss(cross_entropy(scores, y), y.size(0), scores, y);
template <Real T, class Scores = NoScores, class Target = NoScores>
struct BatchLoss {
  Tensor<T> mean;
  double count = 1;  // examples or tokens: how much it weighs among other batches
  Scores scores;
  Target target;

  BatchLoss(Tensor<T> mean_loss, RealNumber counted = 1, Scores scores_of = {}, Target target_of = {})
      : mean(std::move(mean_loss)),
        count(static_cast<double>(counted)),
        scores(std::move(scores_of)),
        target(std::move(target_of)) {}
};

namespace detail {
/// A loss as BatchLoss.
template <Real T>
BatchLoss<T> as_batch_loss(const Tensor<T>& mean) {
  return BatchLoss<T>(mean);
}
template <Real T, class Scores, class Target>
const BatchLoss<T, Scores, Target>& as_batch_loss(const BatchLoss<T, Scores, Target>& loss) {
  return loss;
}
/// Errors: ShapeError unless the mean is one number, Error unless the count is a finite number of at least 0.
template <Real T>
void check_batch_loss(const char* op, const Tensor<T>& mean, double count) {
  if (mean.numel() != 1)
    fail<ShapeError>(op, ": the loss of a batch has shape ", mean.shape(), ", it must be one number");
  if (!(count >= 0 && count < 0x1p53)) fail(op, ": a batch counts ", count, ", it must be a number of at least 0");
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::train
