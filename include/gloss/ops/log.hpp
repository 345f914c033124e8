// Natural logarithm
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/ops/div.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = ln x; -infinity at 0, NaN below.
/// Backward: dx = dy / x; x is saved.
/// PyTorch: torch.log
template <Real T>
Tensor<T> log(const Tensor<T>& x) {
  Tensor<T> y = map_dense(x, kernels::log_forward<T>);
  return record("log", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy / x); });
}

}  // namespace gloss::inline GLOSS_ABI
