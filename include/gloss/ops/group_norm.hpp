// Normalisation of groups of channels within a sample
#pragma once

#include <gloss/kernels/group_norm.hpp>
#include <gloss/ops/batch_norm.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// y = gamma (x - mean) / sqrt(var + eps) + beta by group, which are numbered along axis 1. mean, and var where it is
/// defined, become [n, groups], unless x is empty.
template <class T>
GLOSS_NOINLINE Tensor<T> normalize_groups(const char* op, const Tensor<T>& x, Index groups, const Tensor<T>& weight,
                                          const Tensor<T>& bias, const Tensor<T>& mean, const Tensor<T>& var,
                                          double eps) {
  ProfileScope scope(op);
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const ChannelSizes s(op, x.shape());  // names that a lambda may capture as they are
  const Index n = s.n, channels = s.channels, size = s.size;
  const Tensor<T> in = dense_or_none(x), gamma = dense_or_none(weight), beta = dense_or_none(bias);
  Tensor<T> y = empty<T>(x.shape()), rscale = zeros<T>(mean.shape());
  if (x.numel() > 0)
    kernels::group_norm_forward(read_or_null(in), read_or_null(gamma), read_or_null(beta), y.data(), mean.data(),
                                write_or_null(var), rscale.data(), n, channels, size, groups, eps);
  const SavedInput<T> saved(x, will_record({x, weight, bias}));
  return record(op, y, {x, weight, bias},
                [op, saved, gamma, mean, rscale, groups, n, channels, size](const Tensor<T>& dy, Grads& dx) {
                  const Tensor<T> from = dense_or_none(saved.value(op));
                  channel_norm_backward(op, from, channels, dy, dx, [&](const T* g, T* d_in, T* d_gamma, T* d_beta) {
                    const Tensor<T> workspace = empty<T>({2, n, channels});
                    kernels::group_norm_backward(g, read_or_null(from), read_or_null(gamma), read_or_null(mean),
                                                 read_or_null(rscale), d_in, d_gamma, d_beta, workspace.data(), n,
                                                 channels, size, groups);
                  });
                });
}
}  // namespace detail

/// y = weight (x - mean) / sqrt(var + eps) + bias, mean and var those of a group of neighbouring channels in a sample,
/// var dividing by the number of elements; weight and bias by channel. An undefined weight is 1, an undefined bias 0.
/// Shape: x [n, c, ...], weight [c], bias [c] -> the same as x
/// Errors: ShapeError when they do not match, when num_groups does not divide c, or for a single element altogether per
/// group; GradError from a recorded backward (the op is fused).
/// Backward: with d = x - mean, s = 1 / sqrt(var + eps), g = dy weight, M elements per group: dx = s (g - sum(g) / M -
/// d s^2 sum(g d) / M); dweight = sum of dy d s, dbias = sum of dy; x, the means and s are saved.
/// Source: Wu and He 2018.
/// PyTorch: torch.nn.functional.group_norm
template <Real T>
Tensor<T> group_norm(const Tensor<T>& x, Index num_groups, const Tensor<T>& weight = {}, const Tensor<T>& bias = {},
                     double eps = 1e-5) {
  const char* const op = "group_norm";
  const auto [n, channels, size] = detail::ChannelSizes(op, x.shape());
  if (num_groups < 1) fail<ShapeError>(op, ": num_groups ", num_groups, " is not positive");
  if (channels % num_groups != 0)
    fail<ShapeError>(op, ": num_groups ", num_groups, " does not divide the channels of x ", x.shape());
  detail::check_channels(op, "weight", weight, x.shape());
  detail::check_channels(op, "bias", bias, x.shape());
  if (n * (channels / num_groups) * size == 1)
    fail<ShapeError>(op, ": groups want more than one value, got x ", x.shape(), " in ", num_groups, " groups");
  return detail::normalize_groups<T>(op, x, num_groups, weight, bias, zeros<T>({n, num_groups}), {}, eps);
}

}  // namespace gloss::inline GLOSS_ABI
