// Layer normalisation
#pragma once

#include <gloss/kernels/layer_norm.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

using kernels::LayerNormKind;

/// y = gamma * (x - mean) * s + beta over the last axis, with s = 1 / sqrt(var + eps), var dividing by n (kind torch),
/// or s = 1 / (std + eps), std dividing by n - 1 (kind annotated). An undefined gamma is 1, an undefined beta 0.
/// Shape: x [..., n], gamma [n], beta [n] -> [..., n]
/// Errors: ShapeError when gamma or beta do not match; GradError from a recorded backward (the op is fused).
/// Backward: see kernels/layer_norm.hpp; x, the means and the scales are saved.
/// Source: Ba et al. 2016. PyTorch: torch.nn.functional.layer_norm; AT: LayerNorm
template <Real T>
Tensor<T> layer_norm(const Tensor<T>& x, const Tensor<T>& gamma = {}, const Tensor<T>& beta = {}, double eps = 1e-5,
                     LayerNormKind kind = LayerNormKind::torch) {
  if (x.dim() == 0) fail<ShapeError>("layer_norm: a scalar has no axis to normalise");
  const Index n = x.size(-1), rows = n > 0 ? x.numel() / n : 0;
  if (gamma.defined() && gamma.shape() != Shape{n})
    fail<ShapeError>("layer_norm: gamma ", gamma.shape(), " does not match the last axis of x ", x.shape());
  if (beta.defined() && beta.shape() != Shape{n})
    fail<ShapeError>("layer_norm: beta ", beta.shape(), " does not match the last axis of x ", x.shape());
  ProfileScope scope("layer_norm");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  auto dense = [](const Tensor<T>& t) { return t.defined() ? t.detach().contiguous() : Tensor<T>{}; };
  auto pointer = [](const Tensor<T>& t) { return t.defined() ? static_cast<const T*>(t.data()) : nullptr; };
  const Tensor<T> in = dense(x), scale = dense(gamma), shift = dense(beta);
  Tensor<T> y = empty<T>(x.shape()), mean = empty<T>({rows}), rscale = empty<T>({rows});
  kernels::layer_norm_forward(static_cast<const T*>(in.data()), pointer(scale), pointer(shift), y.data(), mean.data(),
                              rscale.data(), rows, n, eps, kind);
  return record("layer_norm", y, {x, gamma, beta},
                [in, scale, mean, rscale, rows, n, kind, pointer](const Tensor<T>& dy, Grads& dx) {
                  if (is_grad_enabled()) fail<GradError>("layer_norm: a fused op has no second derivative");
                  ProfileScope work("layer_norm", true);
                  if (work) work.bytes(sizeof(T), {in.numel(), in.numel(), in.numel()});
                  const Tensor<T> g = dy.contiguous();
                  Tensor<T> d_in = dx.needs(0) ? empty<T>(in.shape()) : Tensor<T>{};
                  Tensor<T> d_gamma = dx.needs(1) ? empty<T>({n}) : Tensor<T>{},
                            d_beta = dx.needs(2) ? empty<T>({n}) : Tensor<T>{};
                  const Tensor<T> workspace =
                      dx.needs(1) || dx.needs(2) ? empty<T>({kernels::layer_norm_workspace(rows, n)}) : Tensor<T>{};
                  auto target = [](const Tensor<T>& t) { return t.defined() ? t.data() : nullptr; };
                  kernels::layer_norm_backward(static_cast<const T*>(g.data()), static_cast<const T*>(in.data()),
                                               pointer(scale), static_cast<const T*>(mean.data()),
                                               static_cast<const T*>(rscale.data()), target(d_in), target(d_gamma),
                                               target(d_beta), target(workspace), rows, n, kind);
                  if (d_in.defined()) dx.add(0, std::move(d_in));
                  if (d_gamma.defined()) dx.add(1, std::move(d_gamma));
                  if (d_beta.defined()) dx.add(2, std::move(d_beta));
                });
}

}  // namespace gloss::inline GLOSS_ABI
