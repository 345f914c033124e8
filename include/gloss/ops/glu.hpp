// Gated linear units
#pragma once

#include <gloss/kernels/gated.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/silu.hpp>
#include <gloss/tensor/saved_input.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = a sigmoid(b), a and b the two halves of x along an axis.
/// Shape: [..., 2 n, ...] -> [..., n, ...]
/// Errors: IndexError for a wrong axis, ShapeError when its size is odd or x is a scalar.
/// Backward: da = dy sigmoid(b), db = dy a sigmoid(b) (1 - sigmoid(b)); x is saved.
/// Source: Dauphin et al. 2017.
/// PyTorch: torch.nn.functional.glu
template <Real T>
Tensor<T> glu(const Tensor<T>& x, Index axis = -1) {
  if (x.dim() == 0) fail<ShapeError>("glu: a scalar has no halves");
  const int a = normalize_axis("glu", axis, x.dim());
  if (x.shape()[a] % 2 != 0) fail<ShapeError>("glu: the size of axis ", axis, " of x ", x.shape(), " is odd");
  ProfileScope scope("glu");
  const Tensor<T> in = x.detach().contiguous();
  Shape shape = x.shape();
  shape[a] /= 2;
  Index half = 1;  // the halves of each row lie one behind the other
  for (int i = a; i < shape.rank(); ++i) half *= shape[i];
  const Index rows = half > 0 ? shape.numel() / half : 0;
  Tensor<T> y = empty<T>(shape);
  if (scope) scope.bytes(sizeof(T), {x.numel(), y.numel()});
  const T* const value = in.data();
  kernels::gated_forward(value, value + half, y.data(), rows, half, 2 * half, kernels::Gate::sigmoid);
  const detail::SavedInput<T> saved(x, will_record({x}));
  return record("glu", y, {x}, [saved, axis = Index{a}, rows, half](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      const Tensor<T> whole = saved.get(dx, 0);
      const Index n = whole.size(axis) / 2;
      const Tensor<T> s = sigmoid(whole.narrow(axis, n, n));
      return dx.add(0, cat(std::vector<Tensor<T>>{dy * s, dy * whole.narrow(axis, 0, n) * s * (1 - s)}, axis));
    }
    const Tensor<T> g = dy.contiguous(), from = saved.value("glu").contiguous();
    Tensor<T> d_in = empty<T>(from.shape());
    const T *const rows_of_both = from.data(), *const d_out = g.data();
    kernels::gated_backward(rows_of_both, rows_of_both + half, d_out, d_in.data(), d_in.data() + half, rows, half,
                            2 * half, kernels::Gate::sigmoid);
    dx.add(0, std::move(d_in));
  });
}

/// y = silu(gate) up: what stands between the projections of a SwiGLU feed-forward network.
/// Shape: equal.
/// Errors: ShapeError when they differ.
/// Backward: dgate = dy up s (1 + gate (1 - s)), s = sigmoid(gate); dup = dy gate s; both inputs are saved.
/// Source: Shazeer 2020.
template <Real T>
Tensor<T> swiglu(const Tensor<T>& gate, const Tensor<T>& up) {
  if (gate.shape() != up.shape()) fail<ShapeError>("swiglu: gate ", gate.shape(), " and up ", up.shape(), " differ");
  ProfileScope scope("swiglu");
  const Index n = gate.numel();
  if (scope) scope.bytes(sizeof(T), {n, n, n});
  const auto forward = [n](const Tensor<T>& z, const Tensor<T>& v) {
    Tensor<T> out = empty<T>(z.shape());
    kernels::gated_forward(static_cast<const T*>(v.data()), static_cast<const T*>(z.data()), out.data(), Index{1}, n, n,
                           kernels::Gate::silu);
    return out;
  };
  const Tensor<T> y = forward(gate.detach().contiguous(), up.detach().contiguous());
  const bool recorded = will_record({gate, up});
  const detail::SavedInput<T> saved_gate(gate, recorded), saved_up(up, recorded);
  record("swiglu", y, {gate, up}, [saved_gate, saved_up, n](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      const Tensor<T> a = saved_gate.get(dx, 0), b = saved_up.get(dx, 1);
      const Tensor<T> s = sigmoid(a);
      if (dx.needs(0)) dx.add(0, dy * b * s * (a * (1 - s) + 1));
      if (dx.needs(1)) dx.add(1, dy * a * s);
      return;
    }
    const Tensor<T> g = dy.contiguous(), z = saved_gate.value("swiglu").contiguous(),
                    v = saved_up.value("swiglu").contiguous();
    Tensor<T> d_gate = detail::empty_or_none<T>(dx.needs(0), z.shape()),
              d_up = detail::empty_or_none<T>(dx.needs(1), z.shape());
    kernels::gated_backward(static_cast<const T*>(v.data()), static_cast<const T*>(z.data()),
                            static_cast<const T*>(g.data()), detail::write_or_null(d_up), detail::write_or_null(d_gate),
                            Index{1}, n, n, kernels::Gate::silu);
    if (d_gate.defined()) dx.add(0, std::move(d_gate));
    if (d_up.defined()) dx.add(1, std::move(d_up));
  });
  detail::offer_rebuild(y, [forward, saved_gate, saved_up] {
    return forward(saved_gate.value("swiglu").contiguous(), saved_up.value("swiglu").contiguous());
  });
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
