// Batch normalisation of sequences, images and volumes.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/batch_norm.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;  // below 0: the running statistics are the means over all batches, PyTorch's momentum=None
  bool affine = true;     // there are a weight and a bias
  bool track_running_stats =
      true;          // there are running statistics; without them a batch's own are used in evaluation too
  bool bias = true;  // false: affine without a bias
};

namespace detail {

/// What layers with running statistics by channel share: their members and names.
template <Real T>
class ChannelNorm : public Module<T> {
 public:
  Parameter<T> weight, bias;
  Buffer<T> running_mean, running_var;
  Buffer<std::int64_t> num_batches_tracked;
  Index num_features;
  BatchNormOptions options;

  void visit(Visitor<T>& v) override {
    v("weight", weight);
    v("bias", bias);
    v("running_mean", running_mean);
    v("running_var", running_var);
    v("num_batches_tracked", num_batches_tracked);
  }

 protected:
  ChannelNorm(const char* layer, Index features, BatchNormOptions given) : num_features(features), options(given) {
    if (features < 0) fail<ShapeError>(layer, ": num_features ", features, " is negative");
    if (given.affine) weight = Parameter<T>(ones<T>({features}));
    if (given.affine && given.bias) bias = Parameter<T>(zeros<T>({features}));
    if (!given.track_running_stats) return;
    running_mean = Buffer<T>(zeros<T>({features}));
    running_var = Buffer<T>(ones<T>({features}));
    num_batches_tracked = Buffer<std::int64_t>(zeros<std::int64_t>({}));
  }
  void check_features(const char* layer, const Tensor<T>& x, int axis) const {
    if (x.size(axis) != num_features)
      fail<ShapeError>(layer, ": x ", x.shape(), " has ", x.size(axis), " channels, num_features is ", num_features);
  }
};

/// What BatchNorm1d, 2d and 3d share.
template <Real T>
class BatchNorm : public ChannelNorm<T> {
 protected:
  using ChannelNorm<T>::ChannelNorm;

  Tensor<T> normalize(const char* layer, const Tensor<T>& x) const {
    this->check_features(layer, x, 1);
    const BatchNormOptions& o = this->options;
    const bool moves = this->is_training() && o.track_running_stats;
    double momentum = o.momentum;
    if (moves) {
      const double batches = static_cast<double>(count_batch(1));
      if (momentum < 0) momentum = 1 / batches;
    }
    const bool of_batch = this->is_training() || !o.track_running_stats;
    try {
      return batch_norm(x, this->running_mean, this->running_var, this->weight, this->bias,
                        {of_batch, momentum, o.eps});
    } catch (...) {
      if (moves) count_batch(-1);
      throw;
    }
  }

 private:
  std::int64_t count_batch(std::int64_t more) const {
    const gloss::detail::SpinLock lock(gloss::detail::running_busy);
    return *this->num_batches_tracked.data() += more;
  }
};

}  // namespace detail

/// y = (x - mean) / sqrt(var + eps) * weight + bias for each channel. In training mean and var are those over the
/// batch, and the running ones move towards them: the call then changes the layer, in steps that do not disturb each
/// other when several threads make it. In evaluation they are the running ones, and nothing changes.
/// Shape: [n, num_features] or [n, num_features, l] -> the same
/// Errors: ShapeError for other shapes, a negative num_features, and in training for one value per channel.
/// Source: Ioffe and Szegedy 2015.
/// PyTorch: torch.nn.BatchNorm1d
/// Keys: weight, bias, running_mean, running_var [num_features], num_batches_tracked []
template <Real T>
struct BatchNorm1d final : detail::BatchNorm<T> {
  explicit BatchNorm1d(Index num_features, BatchNormOptions options = {})
      : detail::BatchNorm<T>("BatchNorm1d", num_features, options) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 2 && x.dim() != 3) fail<ShapeError>("BatchNorm1d: x ", x.shape(), " has neither 2 nor 3 axes");
    return this->output(this->normalize("BatchNorm1d", x));
  }
};

/// As BatchNorm1d, over images.
/// Shape: [n, num_features, h, w] -> the same
/// Errors: ShapeError for other shapes, a negative num_features, and in training for one value per channel.
/// Source: Ioffe and Szegedy 2015.
/// PyTorch: torch.nn.BatchNorm2d
/// Keys: weight, bias, running_mean, running_var [num_features], num_batches_tracked []
template <Real T>
struct BatchNorm2d final : detail::BatchNorm<T> {
  explicit BatchNorm2d(Index num_features, BatchNormOptions options = {})
      : detail::BatchNorm<T>("BatchNorm2d", num_features, options) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 4) fail<ShapeError>("BatchNorm2d: x ", x.shape(), " has ", x.dim(), " axes, 4 are wanted");
    return this->output(this->normalize("BatchNorm2d", x));
  }
};

/// As BatchNorm1d, over volumes.
/// Shape: [n, num_features, d, h, w] -> the same
/// Errors: ShapeError for other shapes, a negative num_features, and in training for one value per channel.
/// Source: Ioffe and Szegedy 2015.
/// PyTorch: torch.nn.BatchNorm3d
/// Keys: weight, bias, running_mean, running_var [num_features], num_batches_tracked []
template <Real T>
struct BatchNorm3d final : detail::BatchNorm<T> {
  explicit BatchNorm3d(Index num_features, BatchNormOptions options = {})
      : detail::BatchNorm<T>("BatchNorm3d", num_features, options) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 5) fail<ShapeError>("BatchNorm3d: x ", x.shape(), " has ", x.dim(), " axes, 5 are wanted");
    return this->output(this->normalize("BatchNorm3d", x));
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
