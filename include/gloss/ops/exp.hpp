// e to the x
#pragma once

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

}  // namespace gloss::inline GLOSS_ABI
