// Running products
#pragma once

#include <gloss/ops/any.hpp>
#include <gloss/ops/cumsum.hpp>
#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
// dx_i = sum over k >= i of dy_k times the product of x_0 ... x_k without x_i. Beyond the first zero only terms that
// leave that zero out remain; beyond the second none.
template <class T>
Tensor<T> cumprod_backward(const Tensor<T>& x, const Tensor<T>& dy, int axis) {
  const Tensor<T> in = x.detach().contiguous(), g = dy.contiguous();
  Tensor<T> dx = zeros<T>(x.shape());
  for_each_line(x.shape(), axis, [&](Index first, Index stride, Index n) {
    const T *px = in.data() + first, *pg = g.data() + first;
    T* out = dx.data() + first;
    Index zero = 0;
    while (zero < n && px[zero * stride] != T{0}) ++zero;
    using Sum = Accumulator<T>;
    const auto at = [stride](const T* p, Index i) { return static_cast<Sum>(p[i * stride]); };
    Sum product = 1;  // of what is before i
    for (Index i = 0; i < zero; ++i) out[i * stride] = static_cast<T>(product *= at(px, i));
    Sum sum = 0;
    for (Index i = zero - 1; i >= 0; --i) {
      sum += at(pg, i) * at(out, i);
      out[i * stride] = static_cast<T>(sum / at(px, i));
    }
    if (zero == n) return;
    sum = 0;
    for (Index k = zero;;) {
      sum += at(pg, k) * product;
      if (++k == n) break;
      product *= at(px, k);
    }
    out[zero * stride] = static_cast<T>(sum);
  });
  return dx;
}
}  // namespace detail

/// y_i = x_0 ... x_i along an axis. Whole numbers and booleans are multiplied in int64.
/// Shape: x.
/// Errors: IndexError for a wrong axis. GradError in a second derivative at a zero.
/// Backward: dx_i = (dy_i y_i + ... + dy_n y_n) / x_i, and what that tends to at zeros.
/// PyTorch: torch.cumprod
template <Summable T>
Tensor<Total<T>> cumprod(const Tensor<T>& x, Index axis) {
  const int a = normalize_axis("cumprod", axis, x.dim());
  Tensor<Total<T>> y = detail::scan<Total<T>>(x, a, kernels::Times{});
  if constexpr (Real<T>)
    return record("cumprod", y, {x}, [x, a](const Tensor<T>& dy, Grads& dx) {
      if (!is_grad_enabled()) return dx.add(0, detail::cumprod_backward(x, dy, a));
      if (!all(x).item()) fail<GradError>("cumprod: no second derivative where x has a zero");
      dx.add(0, detail::cumsum_from(dy * cumprod(x, a), a) / x);
    });
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
