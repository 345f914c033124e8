// Normalisation of channels over a batch
#pragma once

#include <atomic>
#include <cmath>

#include <gloss/core/spin_lock.hpp>
#include <gloss/kernels/batch_norm.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/tensor/saved_input.hpp>

namespace gloss::inline GLOSS_ABI {

struct BatchNormOptions {
  bool training = false;  // with the statistics of x, which then move the running ones
  double momentum = 0.1;  // how far they move: running = (1 - momentum) running + momentum of the batch
  double eps = 1e-5;
};

namespace detail {

/// x as [n, channels, size].
struct ChannelSizes {
  Index n, channels, size = 1;
  ChannelSizes(const char* op, const Shape& x) {
    if (x.rank() < 2) fail<ShapeError>(op, ": x ", x, " has fewer than 2 axes");
    n = x[0], channels = x[1];
    for (int axis = 2; axis < x.rank(); ++axis) size *= x[axis];
  }
};

/// A tensor that may be undefined, of one number for each channel of x.
template <class T>
void check_channels(const char* op, const char* name, const Tensor<T>& t, const Shape& x) {
  if (t.defined() && t.shape() != Shape{x[1]})
    fail<ShapeError>(op, ": ", name, " ", t.shape(), " does not match the channels of x ", x);
}
/// What batch_norm and instance_norm take besides x.
template <class T>
void check_running_norm(const char* op, const Shape& x, const Tensor<T>& running_mean, const Tensor<T>& running_var,
                        const Tensor<T>& weight, const Tensor<T>& bias) {
  check_channels(op, "running_mean", running_mean, x);
  check_channels(op, "running_var", running_var, x);
  check_channels(op, "weight", weight, x);
  check_channels(op, "bias", bias, x);
  if (running_mean.defined() != running_var.defined())
    fail<ShapeError>(op, ": one of running_mean and running_var is given without the other");
}
/// Statistics that are about to be written.
template <class T>
void check_written(const char* op, const Tensor<T>& running_mean, const Tensor<T>& running_var) {
  for (const Tensor<T>& t : {running_mean, running_var})
    if (t.defined()) check_no_overlap(op, body_of(op, t));
}

/// Held while running statistics change, so that several threads may train with one layer: which is then first is open,
/// but no step is lost.
inline constinit std::atomic_flag running_busy{};

/// running = (1 - momentum) running + momentum scale (mean over the rows of batch [rows, channels]).
template <class T>
GLOSS_NOINLINE void move_running(const char* op, const Tensor<T>& running, const Tensor<T>& batch, double momentum,
                                 double scale) {
  const Index channels = running.numel(), rows = batch.numel() / channels;
  const SpinLock lock(running_busy);
  for (Index c = 0; c < channels; ++c) {
    double mean = 0;
    for (Index r = 0; r < rows; ++r) mean += static_cast<double>(batch.data()[r * channels + c]);
    T& at = running.data()[c * running.strides()[0]];
    at = static_cast<T>((1 - momentum) * static_cast<double>(at) + momentum * scale * mean / static_cast<double>(rows));
  }
  running.mark_changed(op);
}

/// The gradients that are wanted of x, weight and bias; compute(dy, dx, dweight, dbias) writes them; null: not wanted.
template <class T, class F>
void channel_norm_backward(const char* op, const Tensor<T>& in, Index channels, const Tensor<T>& dy, Grads& dx,
                           const F& compute) {
  if (is_grad_enabled()) fail<GradError>(op, ": a fused op has no second derivative");
  ProfileScope work(op, true);
  if (work) work.bytes(sizeof(T), {in.numel(), in.numel(), in.numel()});
  const Tensor<T> g = dy.contiguous();
  const Tensor<T> made[] = {empty_or_none<T>(dx.needs(0), in.shape()), empty_or_none<T>(dx.needs(1), {channels}),
                            empty_or_none<T>(dx.needs(2), {channels})};
  compute(read_or_null(g), write_or_null(made[0]), write_or_null(made[1]), write_or_null(made[2]));
  for (int i = 0; i < 3; ++i)
    if (made[i].defined()) dx.add(i, made[i]);
}

/// y = gamma (x - mean) rscale + beta by channel, with the statistics of x, which are also put into mean, var and
/// rscale [channels] unless x is empty, or with mean and rscale as they are given, where var is undefined.
template <class T>
GLOSS_NOINLINE Tensor<T> normalize_batch(const char* op, const Tensor<T>& x, const Tensor<T>& weight,
                                         const Tensor<T>& bias, const Tensor<T>& mean, const Tensor<T>& var,
                                         const Tensor<T>& rscale, double eps) {
  ProfileScope scope(op);
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const ChannelSizes s(op, x.shape());  // names that a lambda may capture as they are
  const Index n = s.n, channels = s.channels, size = s.size;
  const Tensor<T> in = dense_or_none(x), gamma = dense_or_none(weight), beta = dense_or_none(bias);
  Tensor<T> y = empty<T>(x.shape());
  const bool of_batch = var.defined();
  if (of_batch && x.numel() > 0) {
    kernels::batch_norm_forward(read_or_null(in), read_or_null(gamma), read_or_null(beta), y.data(), mean.data(),
                                var.data(), rscale.data(), n, channels, size, eps);
  } else if (x.numel() > 0) {
    kernels::batch_norm_apply(read_or_null(in), read_or_null(gamma), read_or_null(beta), read_or_null(mean),
                              read_or_null(rscale), y.data(), n, channels, size);
  }
  const SavedInput<T> saved(x, will_record({x, weight, bias}));
  return record(op, y, {x, weight, bias},
                [op, saved, gamma, mean, rscale, of_batch, n, channels, size](const Tensor<T>& dy, Grads& dx) {
                  const Tensor<T> from = dense_or_none(saved.value(op));
                  channel_norm_backward(op, from, channels, dy, dx, [&](const T* g, T* d_in, T* d_gamma, T* d_beta) {
                    kernels::batch_norm_backward(g, read_or_null(from), read_or_null(gamma), read_or_null(mean),
                                                 read_or_null(rscale), d_in, d_gamma, d_beta, n, channels, size,
                                                 of_batch);
                  });
                });
}

/// The same with running statistics.
template <class T>
Tensor<T> normalize_running(const char* op, const Tensor<T>& x, const Tensor<T>& running_mean,
                            const Tensor<T>& running_var, const Tensor<T>& weight, const Tensor<T>& bias, double eps) {
  Tensor<T> rscale = empty<T>(running_var.shape());
  for (Index c = 0; c < rscale.numel(); ++c)
    rscale.data()[c] =
        static_cast<T>(1 / std::sqrt(static_cast<double>(running_var.data()[c * running_var.strides()[0]]) + eps));
  return normalize_batch<T>(op, x, weight, bias, dense_or_none(running_mean), {}, rscale, eps);
}

}  // namespace detail

/// y = weight (x - mean) / sqrt(var + eps) + bias for each channel. In training mean and var are those of the channel
/// over the batch, var dividing by the number of elements, and running_mean and running_var, where they are given, move
/// towards them, the latter towards the var that divides by one less. Otherwise they are running_mean and running_var.
/// An undefined weight is 1, an undefined bias 0.
/// Shape: x [n, c, ...], all others [c] -> the same as x
/// Errors: ShapeError when they do not match, for one of the running statistics without the other, for neither outside
/// of training, and in training for one element per channel and for running statistics that share a place; Error for an
/// eps that is negative or, in training, 0; GradError from a recorded backward (the op is fused).
/// Backward: with d = x - mean, s = 1 / sqrt(var + eps), M elements per channel: dx = weight s (dy - sum(dy) / M -
/// d s^2 sum(dy d) / M) in training, weight s dy otherwise; dweight = s sum(dy d), dbias = sum(dy); x, the means and s
/// are saved.
/// Source: Ioffe and Szegedy 2015.
/// PyTorch: torch.nn.functional.batch_norm
template <Real T>
Tensor<T> batch_norm(const Tensor<T>& x, const Tensor<T>& running_mean, const Tensor<T>& running_var,
                     const Tensor<T>& weight = {}, const Tensor<T>& bias = {}, BatchNormOptions options = {}) {
  const char* const op = "batch_norm";
  const auto [n, channels, size] = detail::ChannelSizes(op, x.shape());
  detail::check_running_norm(op, x.shape(), running_mean, running_var, weight, bias);
  if (options.training ? !(options.eps > 0) : !(options.eps >= 0))
    fail(op, ": eps ", options.eps, options.training ? " is not positive" : " is negative");
  if (!options.training) {
    if (!running_mean.defined()) fail<ShapeError>(op, ": running_mean and running_var are wanted outside of training");
    return detail::normalize_running(op, x, running_mean, running_var, weight, bias, options.eps);
  }
  const Index count = n * size;
  if (count == 1) fail<ShapeError>(op, ": training wants more than one value per channel, got x ", x.shape());
  detail::check_written(op, running_mean, running_var);
  const Tensor<T> mean = zeros<T>({channels}), var = zeros<T>({channels}), rscale = zeros<T>({channels});
  Tensor<T> y = detail::normalize_batch(op, x, weight, bias, mean, var, rscale, options.eps);
  if (running_mean.defined() && x.numel() > 0) {
    detail::move_running(op, running_mean, mean, options.momentum, 1);
    detail::move_running(op, running_var, var, options.momentum,
                         static_cast<double>(count) / static_cast<double>(count - 1));
  }
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
