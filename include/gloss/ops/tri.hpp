// Triangles of matrices
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T>
Tensor<T> triangle(const char* op, const Tensor<T>& x, Index diagonal, bool upper) {
  if (x.dim() < 2) fail<ShapeError>(op, ": two axes are needed, shape is ", x.shape());
  Tensor<T> y = x.detach().clone();
  const Index rows = x.size(-2), cols = x.size(-1);
  diagonal = (std::min)((std::max)(diagonal, -rows), cols);  // beyond them nothing changes any more
  T* to = y.data();
  parallel_for(cols > 0 ? y.numel() / cols : 0, 16384 / (cols + 1) + 1, [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index edge = (std::min)((std::max)(r % rows + diagonal + !upper, Index{0}), cols);
      for (Index c = upper ? 0 : edge; c < (upper ? edge : cols); ++c) to[r * cols + c] = T{};
    }
  });
  if constexpr (Real<T>)
    return record(op, y, {x}, [op, diagonal, upper](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, triangle(op, dy, diagonal, upper));
    });
  return y;
}

GLOSS_LAZY Tensor<std::int64_t> triangle_indices(const char* op, Index rows, Index cols, Index offset, bool upper) {
  if (rows < 0 || cols < 0) fail<ShapeError>(op, ": negative size in ", Shape{rows, cols});
  if (cols == 0) return empty<std::int64_t>({2, 0});
  std::vector<std::int64_t> positions;
  for (int pass = 0; pass < 2; ++pass)
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < cols; ++c)
        if (upper ? c - r >= offset : c - r <= offset) positions.push_back(pass == 0 ? r : c);
  return from_vector(positions, {2, static_cast<Index>(positions.size() / 2)});
}
}  // namespace detail

/// y[..., i, j] = x[..., i, j] where j - i >= diagonal, else 0.
/// Errors: ShapeError with fewer than two axes.
/// Backward: dx = triu(dy).
/// PyTorch: torch.triu
template <Element T>
Tensor<T> triu(const Tensor<T>& x, Index diagonal = 0) {
  return detail::triangle("triu", x, diagonal, true);
}
/// y[..., i, j] = x[..., i, j] where j - i <= diagonal, else 0.
/// Errors: ShapeError with fewer than two axes.
/// Backward: dx = tril(dy).
/// PyTorch: torch.tril
template <Element T>
Tensor<T> tril(const Tensor<T>& x, Index diagonal = 0) {
  return detail::triangle("tril", x, diagonal, false);
}

/// Rows and columns of the elements with j - i >= offset of a matrix [rows, cols].
/// Shape: [2, count]
/// PyTorch: torch.triu_indices
GLOSS_LAZY Tensor<std::int64_t> triu_indices(Index rows, Index cols, Index offset = 0) {
  return detail::triangle_indices("triu_indices", rows, cols, offset, true);
}
/// Rows and columns of the elements with j - i <= offset. PyTorch: torch.tril_indices
GLOSS_LAZY Tensor<std::int64_t> tril_indices(Index rows, Index cols, Index offset = 0) {
  return detail::triangle_indices("tril_indices", rows, cols, offset, false);
}

}  // namespace gloss::inline GLOSS_ABI
