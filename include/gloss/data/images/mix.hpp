// Batches whose images and labels are mixed with one another: mixup and CutMix
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include <gloss/data/images/erase.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/flip.hpp>
#include <gloss/ops/lerp.hpp>
#include <gloss/ops/one_hot.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Mixed images and, for each, the probabilities of its classes, as cross_entropy takes them.
template <Real T>
struct MixedBatch {
  Tensor<T> images, targets;
};

namespace detail {

/// The logarithm of a draw from the gamma distribution.
/// Source: Marsaglia and Tsang 2000, "A simple method for generating gamma variables".
inline double draw_log_gamma(Rng& rng, double shape) {
  if (shape < 1) {  // where the draw itself may be too small for a double
    const double smaller = std::log(1 - draw(rng)) / shape;
    return draw_log_gamma(rng, shape + 1) + smaller;
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = draw_normal(rng), v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - draw(rng)) < x * x / 2 + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}
/// From the beta distribution of two equal parameters.
inline double draw_beta(Rng& rng, double alpha) {
  const double a = draw_log_gamma(rng, alpha), b = draw_log_gamma(rng, alpha);
  return 1 / (1 + std::exp(b - a));
}

template <Real T>
void check_batch(const char* op, const Tensor<T>& images, const Tensor<std::int64_t>& labels, double alpha) {
  if (images.dim() < 3 || labels.dim() != 1 || labels.size(0) != images.size(0))
    fail<ShapeError>(op, ": images [n, ..., height, width] and labels [n] are wanted: images ", images.shape(),
                     ", labels ", labels.shape());
  if (!(alpha > 0)) fail(op, ": alpha ", alpha, " is not above 0");
}

/// share of each row and the rest of the row before it, for the first of the last.
template <Real T>
Tensor<T> with_neighbour(const Tensor<T>& x, double share) {
  return lerp(roll(x, {1}, {0}), x, share);
}
template <Real T>
Tensor<T> mixed_targets(const Tensor<std::int64_t>& labels, Index classes, double share) {
  return with_neighbour(cast<T>(one_hot(labels, classes)), share);
}

}  // namespace detail

/// Each image becomes s of itself and 1 - s of the one before it in the batch, and so do the labels; s is drawn once
/// for the batch from Beta(alpha, alpha).
/// Shape: images [n, ..., height, width], labels [n] -> images, targets [n, classes]
/// Errors: ShapeError when they do not match, IndexError for a label outside the classes, Error when alpha is not above
/// 0.
/// Source: Zhang et al. 2018, "mixup: beyond empirical risk minimization".
/// PyTorch: torchvision.transforms.v2.MixUp
template <Real T>
MixedBatch<T> mixup(const Tensor<T>& images, const Tensor<std::int64_t>& labels, Index classes, Rng& rng,
                    double alpha = 1) {
  detail::check_batch("mixup", images, labels, alpha);
  const double share = detail::draw_beta(rng, alpha);
  return {detail::with_neighbour(images.detach(), share), detail::mixed_targets<T>(labels, classes, share)};
}

/// In each image a box is the same box of the image before it in the batch; labels are mixed by area. The box is drawn
/// once for the batch: 1 - s of the area, s from Beta(alpha, alpha), around any pixel, cut off at the borders.
/// Shape: as mixup.
/// Errors: as mixup; ShapeError when the images have no pixels.
/// Source: Yun et al. 2019, "CutMix: regularization strategy to train strong classifiers with localizable features".
/// PyTorch: torchvision.transforms.v2.CutMix
template <Real T>
MixedBatch<T> cutmix(const Tensor<T>& images, const Tensor<std::int64_t>& labels, Index classes, Rng& rng,
                     double alpha = 1) {
  detail::check_batch("cutmix", images, labels, alpha);
  const ImageSize whole = image_size(images);
  detail::check_size("cutmix", whole);
  const double side = 0.5 * std::sqrt(1 - detail::draw_beta(rng, alpha));
  const auto cut = [&](Index size) {  // from where to where
    const Index middle = detail::draw_below(rng, size), half = static_cast<Index>(side * static_cast<double>(size));
    return std::pair((std::max)(middle - half, Index{0}), (std::min)(middle + half, size));
  };
  const auto [left, right] = cut(whole.width);
  const auto [top, bottom] = cut(whole.height);
  Tensor<T> y = images.detach().clone();
  const auto box = [&, top = top, bottom = bottom, left = left, right = right](const Tensor<T>& x) {
    return x.slice(-2, top, bottom).slice(-1, left, right);
  };
  box(y).copy_(box(roll(images.detach(), {1}, {0})));
  const double cut_out =
      static_cast<double>((bottom - top) * (right - left)) / static_cast<double>(whole.height * whole.width);
  return {y, detail::mixed_targets<T>(labels, classes, 1 - cut_out)};
}

}  // namespace gloss::inline GLOSS_ABI::data
