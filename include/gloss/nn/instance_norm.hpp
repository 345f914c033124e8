// Normalisation of each channel of each sample, of sequences, images and volumes.
#pragma once

#include <gloss/nn/batch_norm.hpp>
#include <gloss/ops/instance_norm.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct InstanceNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;             // below 0: the running statistics stay as they are, PyTorch's momentum=None
  bool affine = false;               // there are a weight and a bias
  bool track_running_stats = false;  // there are running statistics, which are used in evaluation
  bool bias = true;                  // false: affine without a bias
};

namespace detail {
/// What InstanceNorm1d, 2d and 3d share.
template <Real T>
class InstanceNorm : public ChannelNorm<T> {
 protected:
  InstanceNorm(const char* layer, Index features, InstanceNormOptions o)
      : ChannelNorm<T>(layer, features, {o.eps, o.momentum, o.affine, o.track_running_stats, o.bias}) {}

  Tensor<T> normalize(const char* layer, const Tensor<T>& x, int axes) const {
    const bool has_batch = x.dim() == axes;
    this->check_features(layer, x, has_batch ? 1 : 0);
    const BatchNormOptions& o = this->options;
    const Tensor<T> batch = has_batch ? x : x.unsqueeze(0);
    const Tensor<T> y = instance_norm(batch, this->running_mean, this->running_var, this->weight, this->bias,
                                      {.use_input_stats = this->is_training() || !o.track_running_stats,
                                       .momentum = o.momentum < 0 ? 0 : o.momentum,
                                       .eps = o.eps});
    return has_batch ? y : y.squeeze(0);
  }
};
}  // namespace detail

/// y = (x - mean) / sqrt(var + eps) * weight + bias, mean and var those of a channel in a sample. With
/// track_running_stats they are the running ones in evaluation, and in training the call moves those, as in
/// BatchNorm1d; num_batches_tracked stays 0, as in PyTorch.
/// Shape: [n, num_features, l], or [num_features, l] without a batch -> the same
/// Errors: ShapeError for other shapes, a negative num_features, and one element per channel unless the running
/// statistics are used.
/// Source: Ulyanov et al. 2016.
/// PyTorch: torch.nn.InstanceNorm1d
/// Keys: weight, bias, running_mean, running_var [num_features], num_batches_tracked []; none by default
template <Real T>
struct InstanceNorm1d final : detail::InstanceNorm<T> {
  explicit InstanceNorm1d(Index num_features, InstanceNormOptions options = {})
      : detail::InstanceNorm<T>("InstanceNorm1d", num_features, options) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 2 && x.dim() != 3) fail<ShapeError>("InstanceNorm1d: x ", x.shape(), " has neither 2 nor 3 axes");
    return this->output(this->normalize("InstanceNorm1d", x, 3));
  }
};

/// As InstanceNorm1d, over images.
/// Shape: [n, num_features, h, w], or [num_features, h, w] without a batch -> the same
/// Errors: ShapeError for other shapes, a negative num_features, and one element per channel unless the running
/// statistics are used.
/// Source: Ulyanov et al. 2016.
/// PyTorch: torch.nn.InstanceNorm2d
/// Keys: weight, bias, running_mean, running_var [num_features], num_batches_tracked []; none by default
template <Real T>
struct InstanceNorm2d final : detail::InstanceNorm<T> {
  explicit InstanceNorm2d(Index num_features, InstanceNormOptions options = {})
      : detail::InstanceNorm<T>("InstanceNorm2d", num_features, options) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 3 && x.dim() != 4) fail<ShapeError>("InstanceNorm2d: x ", x.shape(), " has neither 3 nor 4 axes");
    return this->output(this->normalize("InstanceNorm2d", x, 4));
  }
};

/// As InstanceNorm1d, over volumes.
/// Shape: [n, num_features, d, h, w], or [num_features, d, h, w] without a batch -> the same
/// Errors: ShapeError for other shapes, a negative num_features, and one element per channel unless the running
/// statistics are used.
/// Source: Ulyanov et al. 2016.
/// PyTorch: torch.nn.InstanceNorm3d
/// Keys: weight, bias, running_mean, running_var [num_features], num_batches_tracked []; none by default
template <Real T>
struct InstanceNorm3d final : detail::InstanceNorm<T> {
  explicit InstanceNorm3d(Index num_features, InstanceNormOptions options = {})
      : detail::InstanceNorm<T>("InstanceNorm3d", num_features, options) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 4 && x.dim() != 5) fail<ShapeError>("InstanceNorm3d: x ", x.shape(), " has neither 4 nor 5 axes");
    return this->output(this->normalize("InstanceNorm3d", x, 5));
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
