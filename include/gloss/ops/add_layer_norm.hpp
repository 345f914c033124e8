// A residual connection with dropout and the normalisation behind it
#pragma once

#include <gloss/kernels/add_layer_norm.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/layer_norm.hpp>

namespace gloss::inline GLOSS_ABI {

struct AddLayerNormOptions {
  double dropout = 0;  // of x; the caller passes 0 outside training
  double eps = 1e-5;
  LayerNormKind kind = LayerNormKind::torch;
};

/// y = layer_norm(residual + dropout(x)) over the last axis, in one pass each way: what stands behind a sublayer whose
/// norm comes last. An undefined gamma is 1, an undefined beta 0.
/// Shape: residual, x [..., n], gamma [n], beta [n] -> [..., n]
/// Errors: ShapeError when residual, gamma or beta do not match, Error for a dropout outside [0, 1]; GradError from a
/// recorded backward (the op is fused).
/// Backward: dresidual is layer_norm's dx, and dx is dresidual / (1 - p) where the element was kept; the sum, its means
/// and scales and one bit of each element are saved.
/// Source: paper 3.1.
template <Real T>
Tensor<T> add_layer_norm(const Tensor<T>& residual, const Tensor<T>& x, const Tensor<T>& gamma = {},
                         const Tensor<T>& beta = {}, AddLayerNormOptions options = {}) {
  const double p = options.dropout;
  if (!(p >= 0 && p <= 1)) fail("add_layer_norm: dropout ", p, " is not in [0, 1]");
  if (residual.shape() != x.shape())
    fail<ShapeError>("add_layer_norm: residual ", residual.shape(), " and x ", x.shape(), " differ");
  const Index n = detail::check_rows("add_layer_norm", x, gamma, beta), rows = n > 0 ? x.numel() / n : 0;
  ProfileScope scope("add_layer_norm");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel(), x.numel(), x.numel()});
  using detail::dense_or_none, detail::empty_or_none, detail::read_or_null, detail::write_or_null;
  const Tensor<T> a = dense_or_none(residual), b = dense_or_none(x), scale = dense_or_none(gamma),
                  shift = dense_or_none(beta);
  const bool recorded = will_record({residual, x, gamma, beta});
  const Tensor<T> y = empty<T>(x.shape()), sum = recorded ? empty<T>(x.shape()) : y;
  const Tensor<T> mean = empty<T>({rows}), rscale = empty<T>({rows});
  const Tensor<std::int64_t> mask = detail::dropout_mask(x.numel(), recorded && p > 0);
  const RandomBlock random = p > 0 ? detail::draw_dropout(x.numel()) : RandomBlock{};
  kernels::add_layer_norm_forward(read_or_null(a), read_or_null(b), sum.data(), write_or_null(mask), p, random,
                                  read_or_null(scale), read_or_null(shift), y.data(), mean.data(), rscale.data(), rows,
                                  n, options.eps, options.kind);
  const auto saved = detail::SavedInput<T>::own(sum, recorded);
  record("add_layer_norm", y, {residual, x, gamma, beta},
         [saved, scale, mean, rscale, mask, p, rows, n, kind = options.kind](const Tensor<T>& dy, Grads& dx) {
           if (is_grad_enabled()) fail<GradError>("add_layer_norm: a fused op has no second derivative");
           const Tensor<T> total = saved.value("add_layer_norm");
           ProfileScope work("add_layer_norm", true);
           if (work) work.bytes(sizeof(T), {total.numel(), total.numel(), total.numel(), total.numel()});
           const Tensor<T> g = dy.contiguous();
           const bool learns = dx.needs(2) || dx.needs(3), drops = p > 0 && dx.needs(1);
           Tensor<T> d_sum = empty_or_none<T>(dx.needs(0) || dx.needs(1), total.shape()),
                     d_x = empty_or_none<T>(drops, total.shape());
           Tensor<T> d_gamma = empty_or_none<T>(dx.needs(2), {n}), d_beta = empty_or_none<T>(dx.needs(3), {n});
           const Tensor<T> workspace = empty_or_none<T>(learns, {kernels::layer_norm_workspace(rows, n)});
           const kernels::DropoutBefore<T> before{drops ? mask.data() : nullptr, p, write_or_null(d_x)};
           kernels::layer_norm_backward(read_or_null(g), read_or_null(total), read_or_null(scale), read_or_null(mean),
                                        read_or_null(rscale), write_or_null(d_sum), write_or_null(d_gamma),
                                        write_or_null(d_beta), write_or_null(workspace), rows, n, kind,
                                        drops ? &before : nullptr);
           if (dx.needs(1)) dx.add(1, drops ? std::move(d_x) : d_sum);
           if (d_sum.defined()) dx.add(0, std::move(d_sum));
           if (d_gamma.defined()) dx.add(2, std::move(d_gamma));
           if (d_beta.defined()) dx.add(3, std::move(d_beta));
         });
  detail::offer_rows_again(y, saved, scale, shift, options.eps, options.kind);
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> add_layer_norm(const Tensor<float>&, const Tensor<float>&, const Tensor<float>&,
                                               const Tensor<float>&, AddLayerNormOptions))
GLOSS_INSTANTIATE(Tensor<double> add_layer_norm(const Tensor<double>&, const Tensor<double>&, const Tensor<double>&,
                                                const Tensor<double>&, AddLayerNormOptions))

}  // namespace gloss::inline GLOSS_ABI
