// Softmax and its logarithm
#pragma once

#include <gloss/kernels/softmax_columns.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// A kernel along rows, f(x, x2, out, rows, n), and the same along columns, f(x, x2, out, outer, n, inner), over dense
/// numbers; x2 is null for one that reads one tensor. Pointers, so that all share what along_axis compiles to.
template <class T>
struct AxisKernels {
  void (*rows)(const T* x, const T* x2, T* out, Index rows, Index n);
  void (*columns)(const T* x, const T* x2, T* out, Index outer, Index n, Index inner);
};

/// x in dense memory, with axis a and the last one swapped where that is asked for; outside the graph.
template <class T>
GLOSS_NOINLINE Tensor<T> dense_along(const Tensor<T>& x, int a, bool swapped) {
  const Tensor<T> in = x.detach();
  return (swapped ? in.transpose(a, -1) : in).contiguous();
}

/// Runs a kernel over x along `axis`, and x2, of the same shape, where it is defined.
template <class T>
Tensor<T> along_axis(const char* op, const Tensor<T>& x, const Tensor<T>& x2, Index axis, AxisKernels<T> f) {
  const int a = normalize_axis(op, axis, x.dim());
  ProfileScope scope(op);
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  if (x.numel() == 0) return empty<T>(x.shape());
  const Index n = x.dim() > 0 ? x.size(a) : 1;  // a scalar is a row of one
  Index inner = 1;
  for (int i = a + 1; i < x.dim(); ++i) inner *= x.size(i);
  const bool turned = inner > 1 && inner < 4;  // so few columns would leave most of a vector empty
  const Tensor<T> in = dense_along(x, a, turned), in2 = x2.defined() ? dense_along(x2, a, turned) : Tensor<T>{};
  const T* const second = read_or_null(in2);
  Tensor<T> out = empty<T>(in.shape());
  if (inner > 1 && !turned)
    f.columns(in.data(), second, out.data(), in.numel() / (n * inner), n, inner);
  else
    f.rows(in.data(), second, out.data(), in.numel() / n, n);
  return dense_along(out, a, turned);
}

/// The kernels of softmax, or of its logarithm, which read x.
template <class T, bool logarithm>
constexpr AxisKernels<T> softmax_kernels() {
  return {[](const T* x, const T*, T* y, Index rows, Index n) {
            if constexpr (logarithm)
              kernels::log_softmax_forward(x, y, rows, n);
            else
              kernels::softmax_forward(x, y, rows, n);
          },
          [](const T* x, const T*, T* y, Index outer, Index n, Index inner) {
            kernels::softmax_columns_forward<T, logarithm>(x, y, outer, n, inner);
          }};
}
}  // namespace detail

/// y_i = e^(x_i - max) / sum_j e^(x_j - max) along an axis; a row of -infinity gives NaN.
/// Shape: any.
/// Errors: IndexError for a wrong axis.
/// Backward: dx = y * (dy - sum(y * dy)); y is saved.
/// PyTorch: torch.softmax
template <Real T>
Tensor<T> softmax(const Tensor<T>& x, Index axis) {
  Tensor<T> y = detail::along_axis<T>("softmax", x, {}, axis, detail::softmax_kernels<T, false>());
  return record("softmax", y, {x}, [axis, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      const Tensor<T> p = dx.result(saved);
      dx.add(0, p * (dy - sum(p * dy, axis, {.keepdim = true})));
    } else {
      dx.add(0, detail::along_axis<T>("softmax", saved, dy, axis,
                                      {kernels::softmax_backward<T>, kernels::softmax_columns_backward<T, false>}));
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
  Tensor<T> y = detail::along_axis<T>("log_softmax", x, {}, axis, detail::softmax_kernels<T, true>());
  return record("log_softmax", y, {x}, [axis, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      dx.add(0, dy - exp(dx.result(saved)) * sum(dy, axis, {.keepdim = true}));
    } else {
      dx.add(0, detail::along_axis<T>("log_softmax", saved, dy, axis,
                                      {kernels::log_softmax_backward<T>, kernels::softmax_columns_backward<T, true>}));
    }
  });
}

GLOSS_INSTANTIATE(Tensor<float> softmax(const Tensor<float>&, Index))
GLOSS_INSTANTIATE(Tensor<float> log_softmax(const Tensor<float>&, Index))
GLOSS_INSTANTIATE(Tensor<double> softmax(const Tensor<double>&, Index))
GLOSS_INSTANTIATE(Tensor<double> log_softmax(const Tensor<double>&, Index))

}  // namespace gloss::inline GLOSS_ABI
