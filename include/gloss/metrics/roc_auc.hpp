// Area under the ROC curve
#pragma once

#include <limits>

#include <gloss/metrics/ranking.hpp>

namespace gloss::inline GLOSS_ABI::metrics {

/// The chance that a score of class 1 is above one of class 0, of equals half; NaN while one of the classes is missing.
/// It keeps every score.
/// PyTorch: sklearn.metrics.roc_auc_score
class RocAuc {
 public:
  /// Shape: scores and target alike
  /// Errors: ShapeError when they differ, Error for a target other than 0 and 1 or a score that is NaN.
  template <Real T>
  void add(const Tensor<T>& scores, const Tensor<std::int64_t>& target) {
    if (scores.shape() != target.shape())
      fail<ShapeError>("RocAuc: scores ", scores.shape(), " and target ", target.shape(), " differ in shape");
    const Tensor<std::int64_t> ids = target.contiguous();
    for (Index i = 0; i < ids.numel(); ++i)
      if (ids.data()[i] != 0 && ids.data()[i] != 1) fail("RocAuc: target ", ids.data()[i], " is neither 0 nor 1");
    detail::append_numbers("RocAuc", scores_, scores);
    target_.insert(target_.end(), ids.data(), ids.data() + ids.numel());
  }
  /// Adds what another one holds.
  void merge(const RocAuc& other) {
    scores_.insert(scores_.end(), other.scores_.begin(), other.scores_.end());
    target_.insert(target_.end(), other.target_.begin(), other.target_.end());
  }
  /// In [0, 1].
  double result() const {
    const std::vector<Index> ranks = detail::twice_ranks(scores_);
    Index sum = 0, ones = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i)
      if (target_[i] == 1) sum += ranks[i], ++ones;
    const Index zeros = static_cast<Index>(ranks.size()) - ones;
    if (ones == 0 || zeros == 0) return std::numeric_limits<double>::quiet_NaN();
    const Index above = sum - ones * (ones + 1);  // twice the pairs in order
    return static_cast<double>(above) / (2 * static_cast<double>(ones) * static_cast<double>(zeros));
  }

 private:
  std::vector<double> scores_;
  std::vector<std::int64_t> target_;
};

}  // namespace gloss::inline GLOSS_ABI::metrics
