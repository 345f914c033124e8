// Normalisation of groups of channels.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/group_norm.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;  // there are a weight and a bias
  bool bias = true;    // false: affine without a bias
};

/// y = (x - mean) / sqrt(var + eps) * weight + bias, mean and var those of a group of neighbouring channels in a
/// sample, in evaluation as in training.
/// Shape: [n, num_channels, ...] -> the same
/// Errors: ShapeError when num_groups does not divide num_channels, for a negative size, for an x of other channels or
/// with a single element per group.
/// Source: Wu and He 2018.
/// PyTorch: torch.nn.GroupNorm
/// Keys: weight, bias [num_channels]
template <Real T>
struct GroupNorm final : Module<T> {
  Parameter<T> weight, bias;
  Index num_groups, num_channels;
  double eps;

  GroupNorm(Index groups, Index channels, GroupNormOptions options = {})
      : num_groups(groups), num_channels(channels), eps(options.eps) {
    if (groups < 1) fail<ShapeError>("GroupNorm: num_groups ", groups, " is not positive");
    if (channels < 0) fail<ShapeError>("GroupNorm: num_channels ", channels, " is negative");
    if (channels % groups != 0)
      fail<ShapeError>("GroupNorm: num_channels ", channels, " is not divisible by num_groups ", groups);
    if (options.affine) weight = Parameter<T>(ones<T>({channels}));
    if (options.affine && options.bias) bias = Parameter<T>(zeros<T>({channels}));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() < 2 || x.size(1) != num_channels)
      fail<ShapeError>("GroupNorm: x ", x.shape(), " does not have ", num_channels, " channels in axis 1");
    return this->output(group_norm(x, num_groups, weight, bias, eps));
  }
  void visit(Visitor<T>& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
