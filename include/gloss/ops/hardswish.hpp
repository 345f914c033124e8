// Activations made of straight lines and parabolas, in place of the logistic function
#pragma once

#include <gloss/kernels/rectifiers.hpp>
#include <gloss/ops/clamp.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = min(max(x + 3, 0), 6) / 6.
/// Backward: dx = dy / 6 where -3 < x < 3, else 0; x is saved. (In double PyTorch takes the float nearest 1 / 6.)
/// PyTorch: torch.nn.functional.hardsigmoid
template <Real T>
Tensor<T> hardsigmoid(const Tensor<T>& x) {
  return map_smooth("hardsigmoid", x, kernels::hardsigmoid_forward<T>, kernels::hardsigmoid_backward<T>,
                    [](const Tensor<T>& v) {
                      return map_unary<T>(v, [](T u) { return u > T{-3} && u < T{3} ? T(1) / T(6) : T{0}; });
                    });
}

/// y = x min(max(x + 3, 0), 6) / 6.
/// Backward: dx = dy (x / 3 + 1 / 2) where -3 < x < 3, 0 below, dy above; x is saved.
/// Source: Howard et al. 2019.
/// PyTorch: torch.nn.functional.hardswish
template <Real T>
Tensor<T> hardswish(const Tensor<T>& x) {
  return map_smooth("hardswish", x, kernels::hardswish_forward<T>, kernels::hardswish_backward<T>,
                    [](const Tensor<T>& v) {
                      const Tensor<T> line = v * (1.0 / 3) + 0.5;
                      return where(v <= -3, scalar<T>(0), where(v >= 3, scalar<T>(1), line));
                    });
}

}  // namespace gloss::inline GLOSS_ABI
