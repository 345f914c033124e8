// Whether two quantities go together: Pearson's and Spearman's correlation
#pragma once

#include <cmath>

#include <gloss/metrics/ranking.hpp>

namespace gloss::inline GLOSS_ABI::metrics {

/// r = cov(x, y) / sqrt(var(x) var(y)), from -1 to 1: how near they lie to a line. NaN for fewer than two pairs or
/// where x or y never changes.
/// PyTorch: scipy.stats.pearsonr
class Pearson {
 public:
  /// Shape: x and y alike
  /// Errors: ShapeError when they differ.
  template <Number T>
  void add(const Tensor<T>& x, const Tensor<T>& y) {
    if (x.shape() != y.shape()) fail<ShapeError>("Pearson: x ", x.shape(), " and y ", y.shape(), " differ in shape");
    const Tensor<T> a = x.detach().contiguous(), b = y.detach().contiguous();
    Pearson batch;
    for (Index i = 0; i < a.numel(); ++i) {
      batch.mean_x_ += static_cast<double>(a.data()[i]);
      batch.mean_y_ += static_cast<double>(b.data()[i]);
    }
    batch.count_ = static_cast<double>(a.numel());
    if (batch.count_ == 0) return;
    batch.mean_x_ /= batch.count_;
    batch.mean_y_ /= batch.count_;
    for (Index i = 0; i < a.numel(); ++i) {
      const double dx = static_cast<double>(a.data()[i]) - batch.mean_x_;
      const double dy = static_cast<double>(b.data()[i]) - batch.mean_y_;
      batch.xx_ += dx * dx, batch.yy_ += dy * dy, batch.xy_ += dx * dy;
    }
    merge(batch);
  }
  /// Adds what another one has summed.
  /// Source: Chan, Golub and LeVeque 1979
  void merge(const Pearson& other) {
    if (other.count_ == 0) return;
    const double count = count_ + other.count_, share = other.count_ / count;
    const double dx = other.mean_x_ - mean_x_, dy = other.mean_y_ - mean_y_;
    xx_ += other.xx_ + dx * dx * count_ * share;
    yy_ += other.yy_ + dy * dy * count_ * share;
    xy_ += other.xy_ + dx * dy * count_ * share;
    mean_x_ += dx * share;
    mean_y_ += dy * share;
    count_ = count;
  }
  /// In [-1, 1].
  double result() const {
    const double r = xy_ / (std::sqrt(xx_) * std::sqrt(yy_));
    return r > 1 ? 1 : r < -1 ? -1 : r;
  }

 private:
  double count_ = 0, mean_x_ = 0, mean_y_ = 0;
  double xx_ = 0, yy_ = 0, xy_ = 0;  // sums of products of what is beyond the mean
};

/// Pearson's r of the ranks, from -1 to 1: how near one is to rising with the other. Equals share the mean of their
/// ranks. NaN for fewer than two pairs or where x or y never changes. It keeps every number.
/// PyTorch: scipy.stats.spearmanr
class Spearman {
 public:
  /// Shape: x and y alike
  /// Errors: ShapeError when they differ, Error when one is NaN.
  template <Number T>
  void add(const Tensor<T>& x, const Tensor<T>& y) {
    if (x.shape() != y.shape()) fail<ShapeError>("Spearman: x ", x.shape(), " and y ", y.shape(), " differ in shape");
    std::vector<double> more_x, more_y;
    detail::append_numbers("Spearman", more_x, x);
    detail::append_numbers("Spearman", more_y, y);
    x_.insert(x_.end(), more_x.begin(), more_x.end());
    y_.insert(y_.end(), more_y.begin(), more_y.end());
  }
  /// Adds what another one holds.
  void merge(const Spearman& other) {
    x_.insert(x_.end(), other.x_.begin(), other.x_.end());
    y_.insert(y_.end(), other.y_.begin(), other.y_.end());
  }
  /// In [-1, 1].
  double result() const {
    const Shape shape = {static_cast<Index>(x_.size())};
    Pearson of_ranks;
    of_ranks.add(from_vector(detail::twice_ranks(x_), shape), from_vector(detail::twice_ranks(y_), shape));
    return of_ranks.result();
  }

 private:
  std::vector<double> x_, y_;
};

}  // namespace gloss::inline GLOSS_ABI::metrics
