// e to the x
#pragma once

#include <cmath>
#include <numbers>

#include <gloss/kernels/activation.hpp>
#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = e^x.
/// Backward: dx = dy * y; y is saved.
/// PyTorch: torch.exp
template <Real T>
Tensor<T> exp(const Tensor<T>& x) {
  Tensor<T> y = map_dense(x, kernels::exp_forward<T>);
  return record("exp", y, {x},
                [saved = y.detach()](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * dx.result(saved)); });
}

/// y = 2^x.
/// Backward: dx = dy y ln 2.
/// PyTorch: torch.exp2
template <Real T>
Tensor<T> exp2(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::exp2(v); });
  return record("exp2", y, {x}, [saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy * dx.result(saved) * std::numbers::ln2);
  });
}
/// y = e^x - 1, exact to the last digits near 0.
/// Backward: dx = dy e^x.
/// PyTorch: torch.expm1
template <Real T>
Tensor<T> expm1(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return std::expm1(v); });
  return record("expm1", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * exp(x)); });
}

GLOSS_INSTANTIATE(Tensor<float> exp(const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<double> exp(const Tensor<double>&))

}  // namespace gloss::inline GLOSS_ABI
