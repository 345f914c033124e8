// Ids as rows of zeros with a single one
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// y[..., c] = 1 where c = ids[...], else 0. Without num_classes there are as many as the largest id asks for.
/// Shape: [...] -> [..., num_classes]
/// Errors: IndexError for an id outside [0, num_classes), ShapeError for no ids and no num_classes.
/// PyTorch: torch.nn.functional.one_hot
GLOSS_LAZY Tensor<std::int64_t> one_hot(const Tensor<std::int64_t>& ids, Index num_classes = -1) {
  const Tensor<std::int64_t> dense = ids.contiguous();
  const Index n = ids.numel();
  if (num_classes <= 0 && n == 0) fail<ShapeError>("one_hot: no ids and no number of classes");
  Index classes = num_classes;
  if (num_classes == -1)
    for (Index i = 0; i < n; ++i) classes = (std::max)(classes, kernels::Plus{}(dense.data()[i], Index{1}));
  for (Index i = 0; i < n; ++i)
    if (dense.data()[i] < 0 || dense.data()[i] >= classes)
      fail<IndexError>("one_hot: id ", dense.data()[i], " is out of range for ", classes, " classes");
  Shape shape = ids.shape();
  shape.push_back(classes);
  Tensor<std::int64_t> y = zeros<std::int64_t>(shape);
  for (Index i = 0; i < n; ++i) y.data()[i * classes + dense.data()[i]] = 1;
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
