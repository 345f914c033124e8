// Layer normalisation, and normalisation by the root mean square
#pragma once

#include <limits>

#include <gloss/kernels/layer_norm.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/tensor/saved_input.hpp>

namespace gloss::inline GLOSS_ABI {

using kernels::LayerNormKind;

namespace detail {
/// The length of a row, when x has rows to normalise and gamma and beta fit them.
template <class T>
GLOSS_NOINLINE Index check_rows(const char* op, const Tensor<T>& x, const Tensor<T>& gamma, const Tensor<T>& beta) {
  if (x.dim() == 0) fail<ShapeError>(op, ": a scalar has no axis to normalise");
  const Index n = x.size(-1);
  if (gamma.defined() && gamma.shape() != Shape{n})
    fail<ShapeError>(op, ": gamma ", gamma.shape(), " does not match the last axis of x ", x.shape());
  if (beta.defined() && beta.shape() != Shape{n})
    fail<ShapeError>(op, ": beta ", beta.shape(), " does not match the last axis of x ", x.shape());
  return n;
}

/// Lets y, what a norm made of the rows that are saved, be made again.
template <class T>
void offer_rows_again(const Tensor<T>& y, const SavedInput<T>& saved, const Tensor<T>& scale, const Tensor<T>& shift,
                      double eps, LayerNormKind kind) {
  if (!y.requires_grad()) return;
  offer_rebuild(y, [saved, scale, shift, eps, kind] {
    const Tensor<T> in = dense_or_none(saved.value("layer_norm"));
    const Index n = in.size(-1), rows = n > 0 ? in.numel() / n : 0;
    const Tensor<T> again = empty<T>(in.shape()), moments = empty<T>({2, rows});
    kernels::layer_norm_forward(read_or_null(in), read_or_null(scale), read_or_null(shift), again.data(),
                                moments.data(), moments.data() + rows, rows, n, eps, kind);
    return again;
  });
}

/// Either op below, under its name.
template <class T>
GLOSS_NOINLINE Tensor<T> normalize_rows(const char* op, const Tensor<T>& x, const Tensor<T>& gamma,
                                        const Tensor<T>& beta, double eps, LayerNormKind kind) {
  const Index n = check_rows(op, x, gamma, beta), rows = n > 0 ? x.numel() / n : 0;
  ProfileScope scope(op);
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const Tensor<T> in = dense_or_none(x), scale = dense_or_none(gamma), shift = dense_or_none(beta);
  Tensor<T> y = empty<T>(x.shape()), mean = empty<T>({rows}), rscale = empty<T>({rows});
  kernels::layer_norm_forward(read_or_null(in), read_or_null(scale), read_or_null(shift), y.data(), mean.data(),
                              rscale.data(), rows, n, eps, kind);
  const SavedInput<T> saved(x, will_record({x, gamma, beta}));
  record(op, y, {x, gamma, beta}, [op, saved, scale, mean, rscale, rows, n, kind](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) fail<GradError>(op, ": a fused op has no second derivative");
    const Tensor<T> from = dense_or_none(saved.value(op));
    ProfileScope work(op, true);
    if (work) work.bytes(sizeof(T), {from.numel(), from.numel(), from.numel()});
    const Tensor<T> g = dy.contiguous();
    Tensor<T> d_in = empty_or_none<T>(dx.needs(0), from.shape());
    Tensor<T> d_gamma = empty_or_none<T>(dx.needs(1), {n}), d_beta = empty_or_none<T>(dx.needs(2), {n});
    const bool learns = dx.needs(1) || dx.needs(2);
    const Tensor<T> workspace = empty_or_none<T>(learns, {kernels::layer_norm_workspace(rows, n)});
    kernels::layer_norm_backward(read_or_null(g), read_or_null(from), read_or_null(scale), read_or_null(mean),
                                 read_or_null(rscale), write_or_null(d_in), write_or_null(d_gamma),
                                 write_or_null(d_beta), write_or_null(workspace), rows, n, kind);
    if (d_in.defined()) dx.add(0, std::move(d_in));
    if (d_gamma.defined()) dx.add(1, std::move(d_gamma));
    if (d_beta.defined()) dx.add(2, std::move(d_beta));
  });
  offer_rows_again(y, saved, scale, shift, eps, kind);
  return y;
}
}  // namespace detail

/// y = gamma * (x - mean) * s + beta over the last axis, with s = 1 / sqrt(var + eps), var dividing by n (kind torch),
/// or s = 1 / (std + eps), std dividing by n - 1 (kind annotated). An undefined gamma is 1, an undefined beta 0.
/// Shape: x [..., n], gamma [n], beta [n] -> [..., n]
/// Errors: ShapeError when gamma or beta do not match; GradError from a recorded backward (the op is fused).
/// Backward: see kernels/layer_norm.hpp; x, the means and the scales are saved.
/// Source: Ba et al. 2016. PyTorch: torch.nn.functional.layer_norm; AT: LayerNorm
template <Real T>
Tensor<T> layer_norm(const Tensor<T>& x, const Tensor<T>& gamma = {}, const Tensor<T>& beta = {}, double eps = 1e-5,
                     LayerNormKind kind = LayerNormKind::torch) {
  return detail::normalize_rows("layer_norm", x, gamma, beta, eps, kind);
}

/// y = gamma x / sqrt(mean of x^2 + eps) over the last axis. An undefined gamma is 1.
/// Shape: x [..., n], gamma [n] -> [..., n]
/// Errors: ShapeError when gamma does not match; GradError from a recorded backward (the op is fused).
/// Backward: with g = dy gamma, s = 1 / sqrt(mean of x^2 + eps): dx = s (g - x s^2 mean(g x)), dgamma = sum over rows
/// of dy x s; x and s are saved.
/// Source: Zhang and Sennrich 2019.
/// PyTorch: torch.nn.functional.rms_norm
template <Real T>
Tensor<T> rms_norm(const Tensor<T>& x, const Tensor<T>& gamma = {},
                   double eps = static_cast<double>(std::numeric_limits<T>::epsilon())) {
  return detail::normalize_rows("rms_norm", x, gamma, {}, eps, LayerNormKind::rms);
}

GLOSS_INSTANTIATE(Tensor<float> layer_norm(const Tensor<float>&, const Tensor<float>&, const Tensor<float>&, double,
                                           LayerNormKind))
GLOSS_INSTANTIATE(Tensor<double> layer_norm(const Tensor<double>&, const Tensor<double>&, const Tensor<double>&, double,
                                            LayerNormKind))

}  // namespace gloss::inline GLOSS_ABI
