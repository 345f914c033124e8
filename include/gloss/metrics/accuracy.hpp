// Shares of what is right: accuracy, top-k accuracy
#pragma once

#include <gloss/metrics/labels.hpp>

namespace gloss::inline GLOSS_ABI::metrics {

/// The share of predictions that are right; NaN of none. Targets that are ignore_index count nothing.
/// PyTorch: sklearn.metrics.accuracy_score
class Accuracy {
 public:
  explicit Accuracy(std::int64_t ignore_index = -100) : ignored_(ignore_index) {}

  /// Adds classes of any shape; or scores, whose largest along axis 1 is the class.
  /// Shape: predicted and target alike; scores [n, classes, ...], target [n, ...]
  /// Errors: ShapeError when they do not match.
  void add(const Tensor<std::int64_t>& predicted, const Tensor<std::int64_t>& target) {
    detail::for_each_pair("Accuracy", predicted, target, ignored_, [&](std::int64_t p, std::int64_t t) {
      right_ += p == t;
      ++count_;
    });
  }
  template <Real T>
  void add(const Tensor<T>& scores, const Tensor<std::int64_t>& target) {
    add(detail::best_class("Accuracy", scores), target);
  }
  /// Adds what another one has counted.
  void merge(const Accuracy& other) { right_ += other.right_, count_ += other.count_; }
  /// In [0, 1].
  double result() const { return detail::ratio(right_, count_); }

 private:
  std::int64_t ignored_;
  Index right_ = 0, count_ = 0;
};

/// The share of targets among the k largest scores; NaN of none. Of equal scores those of the first classes are taken,
/// so that k = 1 is Accuracy. Targets that are ignore_index count nothing.
/// Errors: Error when k is not above 0.
/// PyTorch: sklearn.metrics.top_k_accuracy_score
class TopKAccuracy {
 public:
  explicit TopKAccuracy(Index k, std::int64_t ignore_index = -100) : k_(k), ignored_(ignore_index) {
    if (k <= 0) fail("TopKAccuracy: k ", k, " is not above 0");
  }

  /// Shape: scores [n, classes, ...], target [n, ...]
  /// Errors: ShapeError when they do not match, IndexError for a target outside the classes.
  template <Real T>
  void add(const Tensor<T>& scores, const Tensor<std::int64_t>& target) {
    const auto [axis, rows] = gloss::detail::check_classes("TopKAccuracy", scores, target, ignored_, 1);
    const Tensor<T> by_rows = gloss::detail::move_axis(scores.detach(), axis, scores.dim() - 1).contiguous();
    const Tensor<std::int64_t> ids = target.contiguous();
    const Index n = scores.size(axis);
    for (Index r = 0; r < ids.numel(); ++r) {
      const std::int64_t id = ids.data()[r];
      if (id == ignored_) continue;
      const T* const row = by_rows.data() + r * n;
      Index before = 0;  // classes that are taken first
      for (Index i = 0; i < n; ++i) before += comes_first(row[i], row[id]) || (i < id && !comes_first(row[id], row[i]));
      right_ += before < k_;
    }
    count_ += rows;
  }
  /// Adds what another one has counted.
  void merge(const TopKAccuracy& other) { right_ += other.right_, count_ += other.count_; }
  /// In [0, 1].
  double result() const { return detail::ratio(right_, count_); }

 private:
  template <class T>
  static bool comes_first(T a, T b) {  // NaN counts as largest, as in argmax
    return a > b || (a != a && b == b);
  }

  Index k_;
  std::int64_t ignored_;
  Index right_ = 0, count_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::metrics
