// Dropout
#pragma once

#include <gloss/kernels/dropout.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T>
Tensor<T> apply_dropout(const Tensor<T>& x, double p, const RandomBlock& draw) {
  ProfileScope scope("dropout");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const Tensor<T> in = x.detach().contiguous();
  Tensor<T> y = empty<T>(x.shape());
  kernels::dropout(static_cast<const T*>(in.data()), y.data(), in.numel(), p, draw);
  return record("dropout", y, {x},
                [p, draw](const Tensor<T>& dy, Grads& dx) { dx.add(0, apply_dropout(dy, p, draw)); });
}
}  // namespace detail

/// In training, y = x / (1 - p) where a draw from the current Rng keeps the element, else 0; otherwise y = x.
/// The mask is not stored: the backward draws it again.
/// Shape: any.
/// Errors: Error when p is not in [0, 1].
/// Backward: dx = dropout of dy with the same draw.
/// PyTorch: torch.nn.functional.dropout
template <Real T>
Tensor<T> dropout(const Tensor<T>& x, double p, bool training = true) {
  if (!(p >= 0 && p <= 1)) fail("dropout: p ", p, " is not in [0, 1]");
  if (!training || p == 0) return x;
  return detail::apply_dropout(x, p, current_rng().reserve(kernels::dropout_words(x.numel())));
}

/// y = residual + dropout(x), in one pass: what a residual connection computes.
/// Shape: equal.
/// Errors: ShapeError when they differ, Error when p is not in [0, 1].
/// Backward: dresidual = dy, dx = dropout of dy with the same draw.
template <Real T>
Tensor<T> add_dropout(const Tensor<T>& residual, const Tensor<T>& x, double p, bool training = true) {
  if (!(p >= 0 && p <= 1)) fail("add_dropout: p ", p, " is not in [0, 1]");
  if (residual.shape() != x.shape())
    fail<ShapeError>("add_dropout: residual ", residual.shape(), " and x ", x.shape(), " differ");
  ProfileScope scope("add_dropout");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel(), x.numel()});
  const double rate = training ? p : 0;
  const RandomBlock draw = rate > 0 ? current_rng().reserve(kernels::dropout_words(x.numel())) : RandomBlock{};
  const Tensor<T> a = residual.detach().contiguous(), b = x.detach().contiguous();
  Tensor<T> y = empty<T>(x.shape());
  kernels::add_dropout(static_cast<const T*>(a.data()), static_cast<const T*>(b.data()), y.data(), y.numel(), rate,
                       draw);
  return record("add_dropout", y, {residual, x}, [rate, draw](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy);
    if (dx.needs(1)) dx.add(1, rate > 0 ? detail::apply_dropout(dy, rate, draw) : dy);
  });
}

}  // namespace gloss::inline GLOSS_ABI
