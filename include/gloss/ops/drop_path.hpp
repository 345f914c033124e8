// Dropout of whole parts of a tensor: channels, and the samples of a batch
#pragma once

#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// x times a draw for each position of its first `axes` axes: 0 with probability p, else `scale`.
template <class T>
Tensor<T> drop_parts(const Tensor<T>& x, int axes, double p, double scale) {
  Shape shape = x.shape();
  for (int a = axes; a < shape.rank(); ++a) shape[a] = 1;
  const T kept = static_cast<T>(scale);
  return x * draw_each<T>(shape, [p, kept](Index, double u) { return u < p ? T(0) : kept; });
}
}  // namespace detail

/// In training, y = x / (1 - p) in the channels that a draw from the current Rng keeps, else 0; otherwise y = x.
/// Shape: [N, C, ...] -> the same
/// Errors: Error when p is not in [0, 1], ShapeError for fewer than two axes.
/// Backward: dx = dy / (1 - p) in the channels that were kept; one number for each channel is saved.
/// Source: Tompson et al. 2015.
/// PyTorch: torch.nn.functional.feature_dropout, of which dropout1d, dropout2d and dropout3d are made
template <Real T>
Tensor<T> feature_dropout(const Tensor<T>& x, double p, bool training = true) {
  if (!(p >= 0 && p <= 1)) fail("feature_dropout: p ", p, " is not in [0, 1]");
  if (x.dim() < 2) fail<ShapeError>("feature_dropout: x ", x.shape(), " has no axis of channels");
  if (!training || p == 0) return x;
  return detail::drop_parts(x, 2, p, p < 1 ? 1 / (1 - p) : 0);
}

/// Stochastic depth. In training, y = 0 for a sample with probability p, and x / (1 - p) for the others, or x without
/// scale_by_keep; otherwise y = x.
/// Shape: [N, ...] -> the same
/// Errors: Error when p is not in [0, 1], ShapeError for a scalar.
/// Backward: dx = dy / (1 - p) (dy) for the samples that were kept; one number for each sample is saved.
/// Source: Huang et al. 2016; timm's drop_path.
template <Real T>
Tensor<T> drop_path(const Tensor<T>& x, double p, bool training = true, bool scale_by_keep = true) {
  if (!(p >= 0 && p <= 1)) fail("drop_path: p ", p, " is not in [0, 1]");
  if (x.dim() == 0) fail<ShapeError>("drop_path: a scalar has no samples");
  if (!training || p == 0) return x;
  return detail::drop_parts(x, 1, p, scale_by_keep && p < 1 ? 1 / (1 - p) : 1);
}

}  // namespace gloss::inline GLOSS_ABI
