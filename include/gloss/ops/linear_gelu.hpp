// A linear layer and GELU in one pass
#pragma once

#include <gloss/ops/gelu.hpp>
#include <gloss/ops/linear.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = gelu(x W^T + b) in one pass: gelu is applied while a block of y is in cache.
/// Shape: x [..., in], weight [out, in], bias [out] or undefined -> [..., out]
/// Errors: ShapeError when the sizes do not fit.
/// Backward: with z = x W^T + b and g = dy gelu'(z): dx = g W, dW = g^T x, db = sum of g's rows; x, W, b and z are
/// saved.
template <Real T>
Tensor<T> linear_gelu(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias = {},
                      GeluKind kind = GeluKind::exact) {
  const bool by_tanh = kind == GeluKind::tanh;
  const Shape shape = detail::linear_shape("linear_gelu", x, weight, bias);
  const Tensor<T> z = detail::empty_or_none<T>(will_record({x, weight, bias}), shape);
  const kernels::GeluFinish<T> finish{detail::write_or_null(z), by_tanh};
  Tensor<T> y = detail::linear_forward("linear_gelu", shape, x, weight, bias, Activation::none, &finish);
  if (!z.defined()) return y;
  const auto saved = detail::SavedInput<T>::own(z, true);
  y = record("linear_gelu", std::move(y), {x, weight, bias},
             [p = detail::SavedInput<T>(x), weight, bias, saved, kind, by_tanh](const Tensor<T>& dy, Grads& dx) {
               const Tensor<T> g =
                   is_grad_enabled() ? dy * detail::gelu_slope(linear(p.get(dx, 0), weight, bias), kind)
                                     : map_dense(saved.value("linear_gelu"), dy,
                                                 by_tanh ? kernels::gelu_tanh_backward<T> : kernels::gelu_backward<T>);
               detail::linear_backward(g, p, weight, dx);
             });
  detail::offer_rebuild(y, [saved, kind] { return gelu(saved.value("gelu"), kind); });
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> linear_gelu(const Tensor<float>&, const Tensor<float>&, const Tensor<float>&, GeluKind))
GLOSS_INSTANTIATE(Tensor<double> linear_gelu(const Tensor<double>&, const Tensor<double>&, const Tensor<double>&,
                                             GeluKind))

}  // namespace gloss::inline GLOSS_ABI
