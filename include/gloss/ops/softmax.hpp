// Softmax and its logarithm
#pragma once

#include <gloss/kernels/softmax.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// Runs a kernel over dense rows along `axis`: f(in, out, rows, n).
template <class T, class F>
Tensor<T> along_rows(const char* op, const Tensor<T>& x, Index axis, F f) {
  const int a = normalize_axis(op, axis, x.dim());
  if (x.dim() == 0) return along_rows(op, x.detach().view({1}), 0, f).view({});
  ProfileScope scope(op);
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const bool last = a == x.dim() - 1;
  const Tensor<T> in = (last ? x.detach() : x.detach().transpose(a, -1)).contiguous();
  Tensor<T> out = empty<T>(in.shape());
  const Index n = in.size(-1);
  f(static_cast<const T*>(in.data()), out.data(), n > 0 ? in.numel() / n : 0, n);
  return last ? out : out.transpose(a, -1).contiguous();
}
/// The same for a kernel that reads two tensors of one shape.
template <class T, class F>
Tensor<T> along_rows(const char* op, const Tensor<T>& x, const Tensor<T>& x2, Index axis, F f) {
  const int a = normalize_axis(op, axis, x.dim());
  auto rows_of = [&](const Tensor<T>& t) {
    return (t.dim() > 0 ? t.detach().transpose(a, -1) : t.detach()).contiguous();
  };
  const Tensor<T> in = rows_of(x2);
  return along_rows(op, x, axis, [&](const T* p, T* out, Index rows, Index n) {
    f(p, static_cast<const T*>(in.data()), out, rows, n);
  });
}
}  // namespace detail

/// y_i = e^(x_i - max) / sum_j e^(x_j - max) along an axis; a row of -infinity gives NaN.
/// Shape: any.
/// Errors: IndexError for a wrong axis.
/// Backward: dx = y * (dy - sum(y * dy)); y is saved.
/// PyTorch: torch.softmax
template <Real T>
Tensor<T> softmax(const Tensor<T>& x, Index axis) {
  Tensor<T> y = detail::along_rows(
      "softmax", x, axis, [](const T* in, T* out, Index rows, Index n) { kernels::softmax_forward(in, out, rows, n); });
  return record("softmax", y, {x}, [axis, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      const Tensor<T> p = dx.result(saved);
      dx.add(0, p * (dy - sum(p * dy, axis, {.keepdim = true})));
    } else {
      dx.add(0,
             detail::along_rows("softmax", saved, dy, axis, [](const T* p, const T* dp, T* out, Index rows, Index n) {
               kernels::softmax_backward(p, dp, out, rows, n);
             }));
    }
  });
}

/// y_i = x_i - ln sum_j e^(x_j) along an axis, without forming the quotient.
/// Shape: any.
/// Errors: IndexError for a wrong axis.
/// Backward: dx = dy - e^y * sum(dy); y is saved.
/// PyTorch: torch.log_softmax
template <Real T>
Tensor<T> log_softmax(const Tensor<T>& x, Index axis) {
  Tensor<T> y = detail::along_rows("log_softmax", x, axis, [](const T* in, T* out, Index rows, Index n) {
    kernels::log_softmax_forward(in, out, rows, n);
  });
  return record("log_softmax", y, {x}, [axis, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      dx.add(0, dy - exp(dx.result(saved)) * sum(dy, axis, {.keepdim = true}));
    } else {
      dx.add(0, detail::along_rows("log_softmax", saved, dy, axis,
                                   [](const T* p, const T* dp, T* out, Index rows, Index n) {
                                     kernels::log_softmax_backward(p, dp, out, rows, n);
                                   }));
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI
