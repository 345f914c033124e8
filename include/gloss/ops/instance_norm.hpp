// Normalisation of each channel of each sample
#pragma once

#include <gloss/ops/group_norm.hpp>

namespace gloss::inline GLOSS_ABI {

struct InstanceNormOptions {
  bool use_input_stats = true;  // the statistics of x, which then move the running ones
  double momentum = 0.1;        // how far they move: running = (1 - momentum) running + momentum of x
  double eps = 1e-5;
};

/// y = weight (x - mean) / sqrt(var + eps) + bias, mean and var those of a channel in a sample, var dividing by the
/// number of elements. running_mean and running_var, where they are given, move towards the means over the batch of
/// mean and of the var that divides by one less. Without use_input_stats mean and var are running_mean and running_var.
/// An undefined weight is 1, an undefined bias 0.
/// Shape: x [n, c, ...], all others [c] -> the same as x
/// Errors: ShapeError when they do not match, for one of the running statistics without the other, for neither without
/// use_input_stats, and with it for one element per channel; GradError from a recorded backward (the op is fused).
/// Backward: as group_norm with c groups, or as batch_norm outside of training.
/// Source: Ulyanov et al. 2016.
/// PyTorch: torch.nn.functional.instance_norm
template <Real T>
Tensor<T> instance_norm(const Tensor<T>& x, const Tensor<T>& running_mean = {}, const Tensor<T>& running_var = {},
                        const Tensor<T>& weight = {}, const Tensor<T>& bias = {}, InstanceNormOptions options = {}) {
  const char* const op = "instance_norm";
  const auto [n, channels, size] = detail::ChannelSizes(op, x.shape());
  detail::check_running_norm(op, x.shape(), running_mean, running_var, weight, bias);
  if (!options.use_input_stats) {
    if (!running_mean.defined())
      fail<ShapeError>(op, ": running_mean and running_var are wanted without use_input_stats");
    return detail::normalize_running(op, x, running_mean, running_var, weight, bias, options.eps);
  }
  if (size == 1) fail<ShapeError>(op, ": more than one element per channel is wanted, got x ", x.shape());
  detail::check_written(op, running_mean, running_var);
  const Tensor<T> mean = zeros<T>({n, channels}), var = detail::empty_or_none<T>(running_var.defined(), {n, channels});
  Tensor<T> y = detail::normalize_groups(op, x, channels, weight, bias, mean, var, options.eps);
  if (running_mean.defined() && x.numel() > 0) {
    detail::move_running(op, running_mean, mean, options.momentum, 1);
    detail::move_running(op, running_var, var, options.momentum,
                         static_cast<double>(size) / static_cast<double>(size - 1));
  }
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
