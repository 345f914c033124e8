// Gaussian error linear unit
#pragma once

#include <utility>

#include <gloss/kernels/gelu_dropout.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/erf.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/tanh.hpp>

namespace gloss::inline GLOSS_ABI {

enum class GeluKind {
  exact,  // by the error function
  tanh,   // by a tanh that differs by up to 5e-4, as GPT-2 has it
};

namespace detail {
using kernels::detail::gelu_beta;
using kernels::detail::gelu_cubic;

/// The derivative of gelu, made of recorded ops: what a second derivative goes through.
template <class T>
Tensor<T> gelu_slope(const Tensor<T>& x, GeluKind kind) {
  if (kind == GeluKind::exact)
    return (erf(x * 0.70710678118654752440) + 1) * 0.5 + x * exp(x * x * -0.5) * 0.39894228040143267794;
  const Tensor<T> square = x * x;
  const Tensor<T> t = tanh(x * (square * gelu_cubic + 1) * gelu_beta);
  return (t + 1) * 0.5 + x * 0.5 * (1 - t * t) * ((square * (3 * gelu_cubic) + 1) * gelu_beta);
}
}  // namespace detail

/// y = x Phi(x), with Phi the normal distribution function; kind tanh: y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715
/// x^3))).
/// Backward: dx = dy * (Phi(x) + x phi(x)), phi the normal density; for tanh its own derivative; x is saved.
/// Source: Hendrycks and Gimpel 2016.
/// PyTorch: torch.nn.functional.gelu
template <Real T>
Tensor<T> gelu(const Tensor<T>& x, GeluKind kind = GeluKind::exact) {
  const bool exact = kind == GeluKind::exact;
  return map_smooth("gelu", x, exact ? kernels::gelu_forward<T> : kernels::gelu_tanh_forward<T>,
                    exact ? kernels::gelu_backward<T> : kernels::gelu_tanh_backward<T>,
                    [kind](const Tensor<T>& v) { return detail::gelu_slope(v, kind); });
}

/// y = dropout(gelu(x)), in one pass each way.
/// Shape: any.
/// Errors: Error when p is not in [0, 1].
/// Backward: dx = dy gelu'(x) / (1 - p) where the element was kept; x and one bit of each are saved.
template <Real T>
Tensor<T> gelu_dropout(const Tensor<T>& x, double p, bool training = true, GeluKind kind = GeluKind::exact) {
  if (!(p >= 0 && p <= 1)) fail("gelu_dropout: p ", p, " is not in [0, 1]");
  if (!training || p == 0) return gelu(x, kind);
  ProfileScope scope("gelu_dropout");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const Tensor<T> in = x.detach().contiguous();
  const Tensor<T> y = empty<T>(x.shape());
  const Tensor<std::int64_t> mask = detail::dropout_mask(x.numel(), will_record({x}));
  const RandomBlock random = detail::draw_dropout(x.numel());
  const auto forward = [p, random, kind](const Tensor<T>& from, const Tensor<T>& out, std::int64_t* kept) {
    kernels::gelu_dropout(static_cast<const T*>(from.data()), out.data(), kept, from.numel(), p, random,
                          kind == GeluKind::tanh);
    return out;
  };
  forward(in, y, detail::write_or_null(mask));
  const detail::SavedInput<T> saved(x, will_record({x}));
  record("gelu_dropout", y, {x}, [saved, mask, p, kind](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled())
      return dx.add(0, detail::dropout_backward(dy, mask, p) * detail::gelu_slope(saved.get(dx, 0), kind));
    const Tensor<T> g = dy.contiguous(), from = saved.value("gelu_dropout").contiguous();
    Tensor<T> d_in = empty<T>(from.shape());
    kernels::gelu_dropout_backward(static_cast<const T*>(from.data()), static_cast<const T*>(g.data()),
                                   static_cast<const std::int64_t*>(mask.data()), d_in.data(), from.numel(), p,
                                   kind == GeluKind::tanh);
    dx.add(0, std::move(d_in));
  });
  detail::offer_rebuild(y, [forward, saved] {
    const Tensor<T> from = saved.value("gelu_dropout").contiguous();
    return forward(from, empty<T>(from.shape()), nullptr);
  });
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> gelu(const Tensor<float>&, GeluKind))
GLOSS_INSTANTIATE(Tensor<float> gelu_dropout(const Tensor<float>&, double, bool, GeluKind))
GLOSS_INSTANTIATE(Tensor<double> gelu(const Tensor<double>&, GeluKind))
GLOSS_INSTANTIATE(Tensor<double> gelu_dropout(const Tensor<double>&, double, bool, GeluKind))

}  // namespace gloss::inline GLOSS_ABI
