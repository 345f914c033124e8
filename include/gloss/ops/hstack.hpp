// Joins along the first, second or third axis, after vectors and scalars have been given those axes
#pragma once

#include <gloss/ops/cat.hpp>

namespace gloss::inline GLOSS_ABI {

/// At least one axis: a scalar becomes [1]. PyTorch: torch.atleast_1d
template <Element T>
Tensor<T> atleast_1d(const Tensor<T>& x) {
  return x.dim() == 0 ? x.view({1}) : x;
}
/// At least two axes: [n] becomes [1, n]. PyTorch: torch.atleast_2d
template <Element T>
Tensor<T> atleast_2d(const Tensor<T>& x) {
  return x.dim() < 2 ? atleast_1d(x).unsqueeze(0) : x;
}
/// At least three axes: [n] becomes [1, n, 1], [m, n] becomes [m, n, 1]. PyTorch: torch.atleast_3d
template <Element T>
Tensor<T> atleast_3d(const Tensor<T>& x) {
  return x.dim() < 3 ? atleast_2d(x).unsqueeze(-1) : x;
}

/// Side by side: vectors along their only axis, others along axis 1.
/// Errors: as cat.
/// PyTorch: torch.hstack
template <Element T>
Tensor<T> hstack(std::vector<Tensor<T>> inputs) {
  for (Tensor<T>& x : inputs) x = atleast_1d(x);
  return cat(inputs, !inputs.empty() && inputs[0].dim() > 1);
}
/// One below the other: along axis 0, a vector being a row.
/// Errors: as cat.
/// PyTorch: torch.vstack
template <Element T>
Tensor<T> vstack(std::vector<Tensor<T>> inputs) {
  for (Tensor<T>& x : inputs) x = atleast_2d(x);
  return cat(inputs, 0);
}
/// One behind the other: along axis 2.
/// Errors: as cat.
/// PyTorch: torch.dstack
template <Element T>
Tensor<T> dstack(std::vector<Tensor<T>> inputs) {
  for (Tensor<T>& x : inputs) x = atleast_3d(x);
  return cat(inputs, 2);
}

}  // namespace gloss::inline GLOSS_ABI
