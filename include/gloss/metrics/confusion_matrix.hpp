// Which classes are taken for which: confusion matrix, precision, recall, F1, intersection over union
#pragma once

#include <limits>
#include <vector>

#include <gloss/metrics/labels.hpp>

namespace gloss::inline GLOSS_ABI::metrics {

/// How often each class was predicted for each. Targets that are ignore_index count nothing.
/// Errors: Error when the number of classes is not above 0.
/// PyTorch: sklearn.metrics.confusion_matrix
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(Index classes, std::int64_t ignore_index = -100)
      : classes_(classes), ignored_(ignore_index) {
    if (classes <= 0) fail("ConfusionMatrix: ", classes, " classes");
    counts_.resize(static_cast<std::size_t>(classes * classes), 0);
  }

  /// Adds classes of any shape; or scores, whose largest along axis 1 is the class.
  /// Shape: predicted and target alike; scores [n, classes, ...], target [n, ...]
  /// Errors: ShapeError when they do not match, IndexError for a class outside [0, classes).
  void add(const Tensor<std::int64_t>& predicted, const Tensor<std::int64_t>& target) {
    const auto check = [&](const char* name, std::int64_t id) {
      if (id < 0 || id >= classes_)
        fail<IndexError>("ConfusionMatrix: ", name, " ", id, " is out of range for ", classes_, " classes");
    };
    detail::for_each_pair("ConfusionMatrix", predicted, target, ignored_, [&](std::int64_t p, std::int64_t t) {
      check("predicted", p);
      check("target", t);
    });
    detail::for_each_pair("ConfusionMatrix", predicted, target, ignored_,
                          [&](std::int64_t p, std::int64_t t) { ++counts_[at(t, p)]; });
  }
  template <Real T>
  void add(const Tensor<T>& scores, const Tensor<std::int64_t>& target) {
    add(detail::best_class("ConfusionMatrix", scores), target);
  }
  /// Adds what another one has counted.
  /// Errors: Error when it has other classes.
  void merge(const ConfusionMatrix& other) {
    if (other.classes_ != classes_)
      fail("ConfusionMatrix: ", classes_, " classes cannot take those of ", other.classes_);
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  /// Row by row what is true, column by column what was predicted.
  /// Shape: [classes, classes]
  Tensor<std::int64_t> result() const { return from_vector(counts_, {classes_, classes_}); }

  /// How often `predicted` was said of `target`.
  Index count(Index target, Index predicted) const { return counts_[at(target, predicted)]; }
  Index classes() const { return classes_; }

 private:
  std::size_t at(Index target, Index predicted) const {
    return static_cast<std::size_t>(target * classes_ + predicted);
  }

  Index classes_;
  std::int64_t ignored_;
  std::vector<std::int64_t> counts_;
};

namespace detail {
/// Of one class: how often it was right, true and predicted.
struct ClassCounts {
  Index right = 0, there = 0, said = 0;
  bool occurs() const { return there + said > 0; }
};
inline std::vector<ClassCounts> count_classes(const ConfusionMatrix& matrix) {
  std::vector<ClassCounts> found(static_cast<std::size_t>(matrix.classes()));
  for (Index t = 0; t < matrix.classes(); ++t)
    for (Index p = 0; p < matrix.classes(); ++p) {
      const Index n = matrix.count(t, p);
      found[static_cast<std::size_t>(t)].there += n;
      found[static_cast<std::size_t>(p)].said += n;
      if (t == p) found[static_cast<std::size_t>(t)].right = n;
    }
  return found;
}
}  // namespace detail

/// Of a class or an average.
struct PrecisionRecallScore {
  double precision = 0;  // the share of what was said of the class that is right
  double recall = 0;     // the share of what is of the class that was found
  double f1 = 0;         // their harmonic mean
  Index support = 0;     // how many are of the class
};
/// What PrecisionRecall finds.
struct PrecisionRecallReport {
  std::vector<PrecisionRecallScore> classes;
  PrecisionRecallScore macro = {};     // the mean over the classes that occur
  PrecisionRecallScore micro = {};     // of all classes together: with one class for each, the accuracy
  PrecisionRecallScore weighted = {};  // the mean over the classes by their support
};

/// Precision, recall and F1, per class and on average; 0 where they would be 0 / 0. Targets that are ignore_index count
/// nothing.
/// Errors: Error when the number of classes is not above 0.
/// PyTorch: sklearn.metrics.precision_recall_fscore_support(zero_division=0), classification_report
class PrecisionRecall {
 public:
  explicit PrecisionRecall(Index classes, std::int64_t ignore_index = -100) : matrix_(classes, ignore_index) {}

  /// As ConfusionMatrix::add.
  template <class T>
  void add(const Tensor<T>& predicted, const Tensor<std::int64_t>& target) {
    matrix_.add(predicted, target);
  }
  /// Adds what another one has counted.
  void merge(const PrecisionRecall& other) { matrix_.merge(other.matrix_); }
  /// All of them.
  PrecisionRecallReport result() const {
    PrecisionRecallReport report;
    detail::ClassCounts all;
    Index occurring = 0;
    for (const detail::ClassCounts& c : detail::count_classes(matrix_)) {
      report.classes.push_back(score(c));
      occurring += c.occurs();
      all.right += c.right, all.there += c.there, all.said += c.said;
    }
    report.micro = score(all);
    for (const PrecisionRecallScore& s : report.classes) {
      add_share(report.macro, s, detail::ratio(1, occurring));
      add_share(report.weighted, s, detail::ratio(s.support, all.there));
    }
    return report;
  }

 private:
  static PrecisionRecallScore score(const detail::ClassCounts& c) {
    const auto share = [](Index part, Index whole) { return whole > 0 ? detail::ratio(part, whole) : 0; };
    return {share(c.right, c.said), share(c.right, c.there), share(2 * c.right, c.said + c.there), c.there};
  }
  static void add_share(PrecisionRecallScore& to, const PrecisionRecallScore& s, double share) {
    if (s.precision > 0) to.precision += share * s.precision;
    if (s.recall > 0) to.recall += share * s.recall;
    if (s.f1 > 0) to.f1 += share * s.f1;
    to.support += s.support;
  }

  ConfusionMatrix matrix_;
};

/// The mean over the classes that occur of intersection over union, right / (true + predicted - right); NaN of none.
/// Targets that are ignore_index count nothing.
/// Errors: Error when the number of classes is not above 0.
/// PyTorch: sklearn.metrics.jaccard_score(average="macro")
class MeanIou {
 public:
  explicit MeanIou(Index classes, std::int64_t ignore_index = -100) : matrix_(classes, ignore_index) {}

  /// As ConfusionMatrix::add.
  template <class T>
  void add(const Tensor<T>& predicted, const Tensor<std::int64_t>& target) {
    matrix_.add(predicted, target);
  }
  /// Adds what another one has counted.
  void merge(const MeanIou& other) { matrix_.merge(other.matrix_); }
  /// In [0, 1].
  double result() const {
    double total = 0;
    Index occurring = 0;
    for (const double iou : per_class())
      if (iou == iou) total += iou, ++occurring;
    return total / static_cast<double>(occurring);
  }
  /// That of each class, NaN where it does not occur.
  std::vector<double> per_class() const {
    std::vector<double> ious;
    for (const detail::ClassCounts& c : detail::count_classes(matrix_))
      ious.push_back(detail::ratio(c.right, c.there + c.said - c.right));
    return ious;
  }

 private:
  ConfusionMatrix matrix_;
};

}  // namespace gloss::inline GLOSS_ABI::metrics
