// The cross product
#pragma once

#include <gloss/ops/index_select.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

/// y = a x b, of vectors of three along an axis.
/// Shape: a, b have as many axes and broadcast; the axis has size 3 in both.
/// Errors: IndexError for a wrong axis, ShapeError when the shapes are others.
/// Backward: da = b x dy, db = dy x a, summed over stretched axes.
/// PyTorch: torch.linalg.cross
template <Real T>
Tensor<T> cross(const Tensor<T>& a, const Tensor<T>& b, Index axis = -1) {
  const int at = normalize_axis("linalg::cross", axis, a.dim());
  if (a.dim() != b.dim() || a.dim() == 0 || a.size(at) != 3 || b.size(at) != 3)
    fail<ShapeError>("linalg::cross: axis ", axis, " must have size 3 in a ", a.shape(), " and b ", b.shape());
  const auto turned = [at](const Tensor<T>& x, std::int64_t first) {
    return index_select(x, at, from_vector<std::int64_t>({first, (first + 1) % 3, (first + 2) % 3}));
  };
  return turned(a, 1) * turned(b, 2) - turned(a, 2) * turned(b, 1);
}

}  // namespace gloss::inline GLOSS_ABI::linalg
