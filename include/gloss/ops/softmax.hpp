// Softmax and its logarithm
#pragma once

#include <gloss/kernels/softmax.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// f(x, x2, out, rows, n) over dense rows; x2 is null for a kernel that reads one tensor. A pointer, so that all share
/// what along_rows compiles to.
template <class T>
using RowKernel = void (*)(const T* x, const T* x2, T* out, Index rows, Index n);

/// Runs a kernel over the rows of x along `axis`, and those of x2, of the same shape, where it is defined.
template <class T>
Tensor<T> along_rows(const char* op, const Tensor<T>& x, const Tensor<T>& x2, Index axis, RowKernel<T> f) {
  const int a = normalize_axis(op, axis, x.dim());
  ProfileScope scope(op);
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const bool last = a >= x.dim() - 1;  // a scalar is a row of one
  const auto rows_of = [&](const Tensor<T>& t) {
    return (last ? t.detach() : t.detach().transpose(a, -1)).contiguous();
  };
  const Tensor<T> in = rows_of(x), in2 = x2.defined() ? rows_of(x2) : Tensor<T>{};
  Tensor<T> out = empty<T>(in.shape());
  const Index n = x.dim() > 0 ? in.size(-1) : 1;
  f(in.data(), in2.defined() ? in2.data() : nullptr, out.data(), n > 0 ? in.numel() / n : 0, n);
  return last ? out : out.transpose(a, -1).contiguous();
}
}  // namespace detail

/// y_i = e^(x_i - max) / sum_j e^(x_j - max) along an axis; a row of -infinity gives NaN.
/// Shape: any.
/// Errors: IndexError for a wrong axis.
/// Backward: dx = y * (dy - sum(y * dy)); y is saved.
/// PyTorch: torch.softmax
template <Real T>
Tensor<T> softmax(const Tensor<T>& x, Index axis) {
  Tensor<T> y = detail::along_rows<T>("softmax", x, {}, axis, [](const T* in, const T*, T* out, Index rows, Index n) {
    kernels::softmax_forward(in, out, rows, n);
  });
  return record("softmax", y, {x}, [axis, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      const Tensor<T> p = dx.result(saved);
      dx.add(0, p * (dy - sum(p * dy, axis, {.keepdim = true})));
    } else {
      dx.add(0, detail::along_rows<T>("softmax", saved, dy, axis, kernels::softmax_backward<T>));
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
  Tensor<T> y = detail::along_rows<T>(
      "log_softmax", x, {}, axis,
      [](const T* in, const T*, T* out, Index rows, Index n) { kernels::log_softmax_forward(in, out, rows, n); });
  return record("log_softmax", y, {x}, [axis, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      dx.add(0, dy - exp(dx.result(saved)) * sum(dy, axis, {.keepdim = true}));
    } else {
      dx.add(0, detail::along_rows<T>("log_softmax", saved, dy, axis, kernels::log_softmax_backward<T>));
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI
