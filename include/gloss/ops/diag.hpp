// Diagonals: matrices from them, copies of them, their sum
#pragma once

#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

/// Zeros with x's last axis as a diagonal of two new axes, which stand at axis0 and axis1 of the result.
/// Shape: [..., n] -> [..., n + |offset|, n + |offset|]
/// Errors: ShapeError for a scalar, IndexError when the axes are the same.
/// Backward: dx = the diagonal of dy.
/// PyTorch: torch.diag_embed
template <Element T>
Tensor<T> diag_embed(const Tensor<T>& x, Index offset = 0, Index axis0 = -2, Index axis1 = -1) {
  if (x.dim() == 0) fail<ShapeError>("diag_embed: a scalar has no axis for a diagonal");
  const int a = normalize_axis("diag_embed", axis0, x.dim() + 1), b = normalize_axis("diag_embed", axis1, x.dim() + 1);
  if (a == b) fail<IndexError>("diag_embed: axis ", a, " is named twice");
  constexpr Index most = Index{1} << 60;
  if (offset < -most || offset > most) fail<ShapeError>("diag_embed: offset ", offset, " is too large");
  const Index n = x.size(-1) + (offset < 0 ? -offset : offset);
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  shape.insert((std::min)(a, b), n);
  shape.insert((std::max)(a, b), n);
  Tensor<T> y = zeros<T>(shape);
  y.diagonal(offset, a, b).copy_(x.detach());
  if constexpr (Real<T>)
    return record("diag_embed", y, {x},
                  [offset, a, b](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy.diagonal(offset, a, b)); });
  return y;
}

/// Of a vector, the matrix with it as a diagonal; of a matrix, a copy of a diagonal.
/// Shape: [n] -> [n + |offset|, n + |offset|]; [m, n] -> [length of the diagonal]
/// Errors: ShapeError otherwise.
/// PyTorch: torch.diag
template <Element T>
Tensor<T> diag(const Tensor<T>& x, Index offset = 0) {
  if (x.dim() != 1 && x.dim() != 2) fail<ShapeError>("diag: a vector or matrix is wanted, shape is ", x.shape());
  return x.dim() == 1 ? diag_embed(x, offset) : x.diagonal(offset).clone();
}

/// y = sum of x[i, i], whole numbers in int64.
/// Errors: ShapeError when x is no matrix.
/// Backward: dx = dy on the diagonal.
/// PyTorch: torch.trace
template <Summable T>
Tensor<Total<T>> trace(const Tensor<T>& x) {
  if (x.dim() != 2) fail<ShapeError>("trace: a matrix is wanted, shape is ", x.shape());
  return sum(x.diagonal());
}

}  // namespace gloss::inline GLOSS_ABI
