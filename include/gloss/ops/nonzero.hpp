// Where a tensor is not zero
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// The positions of the elements that are not zero (NaN is not), in row-major order.
/// Shape: [...] -> [count, rank]
/// PyTorch: torch.nonzero
template <Element T>
Tensor<std::int64_t> nonzero(const Tensor<T>& x) {
  const Tensor<T> dense = x.detach().contiguous();
  const T* from = dense.data();
  const Index n = dense.numel();
  Index count = 0;
  for (Index i = 0; i < n; ++i) count += from[i] != T{};
  Tensor<std::int64_t> y = empty<std::int64_t>({count, x.dim()});
  std::int64_t* to = y.data();
  const Shape steps = contiguous_strides(x.shape());
  for (Index i = 0; i < n; ++i)
    if (from[i] != T{})
      for (int a = 0; a < x.dim(); ++a) *to++ = i / steps[a] % x.shape()[a];
  return y;
}

/// The same, a vector of positions for each axis: what index() takes. A scalar counts as one position of one axis.
/// PyTorch: torch.nonzero(x, as_tuple=True), torch.where(x)
template <Element T>
std::vector<Tensor<std::int64_t>> where(const Tensor<T>& x) {
  std::vector<Tensor<std::int64_t>> axes;
  for (const auto& column : nonzero(x.dim() == 0 ? x.view({1}) : x).unbind(1)) axes.push_back(column.contiguous());
  return axes;
}

}  // namespace gloss::inline GLOSS_ABI
