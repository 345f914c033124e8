// Dropout
#pragma once

#include <gloss/kernels/dropout.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/relu.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// The gradient by x of dropout, and of that the same again.
template <class T>
Tensor<T> dropout_backward(const Tensor<T>& dy, const Tensor<std::int64_t>& mask, double p) {
  const Tensor<T> g = dy.detach().contiguous();
  Tensor<T> dx = empty<T>(dy.shape());
  kernels::dropout_backward(static_cast<const T*>(g.data()), static_cast<const std::int64_t*>(mask.data()), dx.data(),
                            g.numel(), p);
  return record("dropout", dx, {dy},
                [mask, p](const Tensor<T>& ddx, Grads& ddy) { ddy.add(0, dropout_backward(ddx, mask, p)); });
}
/// Room for the mask, or nothing when no gradient will be asked for.
inline Tensor<std::int64_t> dropout_mask(Index n, bool wanted) {
  return empty_or_none<std::int64_t>(wanted, {kernels::dropout_mask_words(n)});
}
inline RandomBlock draw_dropout(Index n) { return gloss::current_rng().reserve(kernels::dropout_words(n)); }
}  // namespace detail

/// In training, y = x / (1 - p) where a draw from the current Rng keeps the element, else 0; otherwise y = x.
/// Shape: any.
/// Errors: Error when p is not in [0, 1].
/// Backward: dx = dy / (1 - p) where the element was kept; one bit of each is saved.
/// PyTorch: torch.nn.functional.dropout
template <Real T>
Tensor<T> dropout(const Tensor<T>& x, double p, bool training = true) {
  if (!(p >= 0 && p <= 1)) fail("dropout: p ", p, " is not in [0, 1]");
  if (!training || p == 0) return x;
  ProfileScope scope("dropout");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const Tensor<T> in = x.detach().contiguous();
  Tensor<T> y = empty<T>(x.shape());
  const Tensor<std::int64_t> mask = detail::dropout_mask(x.numel(), will_record({x}));
  kernels::dropout(static_cast<const T*>(in.data()), y.data(), detail::write_or_null(mask), in.numel(), p,
                   detail::draw_dropout(x.numel()));
  return record("dropout", y, {x},
                [p, mask](const Tensor<T>& dy, Grads& dx) { dx.add(0, detail::dropout_backward(dy, mask, p)); });
}

/// y = residual + dropout(x), in one pass: what a residual connection computes.
/// Shape: equal.
/// Errors: ShapeError when they differ, Error when p is not in [0, 1].
/// Backward: dresidual = dy, dx = dy / (1 - p) where the element was kept; one bit of each is saved.
template <Real T>
Tensor<T> add_dropout(const Tensor<T>& residual, const Tensor<T>& x, double p, bool training = true) {
  if (!(p >= 0 && p <= 1)) fail("add_dropout: p ", p, " is not in [0, 1]");
  if (residual.shape() != x.shape())
    fail<ShapeError>("add_dropout: residual ", residual.shape(), " and x ", x.shape(), " differ");
  if (!training || p == 0) return residual + x;
  ProfileScope scope("add_dropout");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel(), x.numel()});
  const Tensor<T> a = residual.detach().contiguous(), b = x.detach().contiguous();
  Tensor<T> y = empty<T>(x.shape());
  const Tensor<std::int64_t> mask = detail::dropout_mask(x.numel(), will_record({x}));
  kernels::add_dropout(static_cast<const T*>(a.data()), static_cast<const T*>(b.data()), y.data(),
                       detail::write_or_null(mask), y.numel(), p, detail::draw_dropout(x.numel()));
  return record("add_dropout", y, {residual, x}, [p, mask](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy);
    if (dx.needs(1)) dx.add(1, detail::dropout_backward(dy, mask, p));
  });
}

/// y = dropout(relu(x)), in one pass each way: what stands between the two layers of a feed-forward network.
/// Shape: any.
/// Errors: Error when p is not in [0, 1].
/// Backward: dx = dy / (1 - p) where y > 0 or NaN, else 0; y is saved, and no mask.
template <Real T>
Tensor<T> relu_dropout(const Tensor<T>& x, double p, bool training = true) {
  if (!(p >= 0 && p <= 1)) fail("relu_dropout: p ", p, " is not in [0, 1]");
  if (!training || p == 0) return relu(x);
  ProfileScope scope("relu_dropout");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const Tensor<T> in = x.detach().contiguous();
  Tensor<T> y = empty<T>(x.shape());
  kernels::relu_dropout(static_cast<const T*>(in.data()), y.data(), in.numel(), p, detail::draw_dropout(x.numel()));
  const auto saved = detail::SavedInput<T>::own(y.detach(), will_record({x}));
  record("relu_dropout", y, {x}, [p, saved](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> result = saved.value("relu_dropout");
    if (is_grad_enabled()) {
      const T scale = kernels::detail::dropout_scale<T>(p);
      return dx.add(0, detail::weigh(dy, map_unary<T>(result, [scale](T v) { return v <= T{0} ? T{0} : scale; })));
    }
    const Tensor<T> g = dy.contiguous();
    Tensor<T> d_in = empty<T>(result.shape());
    kernels::relu_dropout_backward(static_cast<const T*>(result.data()), static_cast<const T*>(g.data()), d_in.data(),
                                   g.numel(), p);
    dx.add(0, std::move(d_in));
  });
  saved.share_with(y);
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> dropout(const Tensor<float>&, double, bool))
GLOSS_INSTANTIATE(Tensor<float> add_dropout(const Tensor<float>&, const Tensor<float>&, double, bool))
GLOSS_INSTANTIATE(Tensor<float> relu_dropout(const Tensor<float>&, double, bool))
GLOSS_INSTANTIATE(Tensor<double> dropout(const Tensor<double>&, double, bool))
GLOSS_INSTANTIATE(Tensor<double> add_dropout(const Tensor<double>&, const Tensor<double>&, double, bool))
GLOSS_INSTANTIATE(Tensor<double> relu_dropout(const Tensor<double>&, double, bool))

}  // namespace gloss::inline GLOSS_ABI
