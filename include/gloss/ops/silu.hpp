// Sigmoid linear unit
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/ops/sigmoid.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = x sigmoid(x).
/// Backward: dx = dy s (1 + x (1 - s)), s = sigmoid(x); x is saved.
/// Source: Hendrycks and Gimpel 2016.
/// PyTorch: torch.nn.functional.silu
template <Real T>
Tensor<T> silu(const Tensor<T>& x) {
  ProfileScope scope("silu");
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  const Tensor<T> in = x.detach().contiguous();
  Tensor<T> y = empty<T>(x.shape());
  kernels::silu_forward(static_cast<const T*>(in.data()), y.data(), in.numel());
  return record("silu", y, {x}, [x, in](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) {
      const Tensor<T> s = sigmoid(x);
      return dx.add(0, dy * s * (x * (1 - s) + 1));
    }
    const Tensor<T> g = dy.contiguous();
    Tensor<T> d_in = empty<T>(in.shape());
    kernels::silu_backward(static_cast<const T*>(in.data()), static_cast<const T*>(g.data()), d_in.data(), in.numel());
    dx.add(0, d_in);
  });
}

}  // namespace gloss::inline GLOSS_ABI
