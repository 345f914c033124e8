// Norms of vectors and matrices, and condition numbers
#pragma once

#include <optional>

#include <gloss/linalg/det.hpp>
#include <gloss/ops/norm.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

/// (sum |x|^ord)^(1 / ord) over axes (all by default); see gloss::norm.
/// Errors: IndexError for a wrong axis, ShapeError when an infinite or negative ord finds no element.
/// PyTorch: torch.linalg.vector_norm
template <Real T>
Tensor<T> vector_norm(const Tensor<T>& x, RealNumber ord = 2, const Axes& axes = {}, ReduceOptions options = {}) {
  return gloss::norm(x, ord, axes, options);
}

/// The norms of matrices that are named and not numbered.
enum class MatrixNorm {
  fro,  // the root of the sum of squares
  nuc   // the sum of the singular values
};

namespace detail {
/// reduce(matrices) of those that two axes hold; it takes the last two away.
template <class T, class F>
Tensor<T> reduce_matrices(const char* op, const Tensor<T>& a, const Shape& axes, bool keepdim, F reduce) {
  check_matrix(op, a.shape());
  if (axes.rank() != 2) fail<ShapeError>("linalg::", op, ": two axes are wanted, not ", axes);
  const int rows = normalize_axis("linalg::matrix_norm", axes[0], a.dim());
  const int columns = normalize_axis("linalg::matrix_norm", axes[1], a.dim());
  if (rows == columns) fail<IndexError>("linalg::", op, ": axis ", rows, " is named twice");
  const Tensor<T> y = reduce(a.movedim({rows, columns}, {-2, -1}));
  return keepdim ? y.unsqueeze((std::min)(rows, columns)).unsqueeze((std::max)(rows, columns)) : y;
}
}  // namespace detail

/// The size of matrices. By number: 1 and -1 are the largest and smallest column sum of absolute values, infinity and
/// -infinity the same by rows, 2 and -2 the largest and smallest singular value.
/// Shape: a without the two axes, or with them as 1 (keepdim).
/// Errors: Error for another number; IndexError, ShapeError for wrong axes.
/// Backward: by their parts.
/// PyTorch: torch.linalg.matrix_norm
template <Real T>
Tensor<T> matrix_norm(const Tensor<T>& a, MatrixNorm ord = MatrixNorm::fro, const Shape& axes = {-2, -1},
                      ReduceOptions options = {}) {
  return detail::reduce_matrices("matrix_norm", a, axes, options.keepdim, [ord](const Tensor<T>& x) {
    return ord == MatrixNorm::fro ? gloss::norm(x, 2, {-2, -1}) : sum(svdvals(x), -1);
  });
}
template <Real T>
Tensor<T> matrix_norm(const Tensor<T>& a, RealNumber ord, const Shape& axes = {-2, -1}, ReduceOptions options = {}) {
  const double p = ord, size = std::abs(p);
  if (size != 1 && size != 2 && !std::isinf(p))
    fail("linalg::matrix_norm: ord ", p, " is none of 1, -1, 2, -2, infinity and -infinity");
  return detail::reduce_matrices("matrix_norm", a, axes, options.keepdim, [p, size](const Tensor<T>& x) {
    const Tensor<T> sizes = size == 2 ? svdvals(x) : sum(abs(x), size == 1 ? -2 : -1);
    return p > 0 ? amax(sizes, -1) : amin(sizes, -1);
  });
}

/// Without ord, the Euclidean length over axes (all by default). With it, over one axis the norm of vectors, over two
/// that of matrices; without axes x is a vector or a matrix.
/// Errors: ShapeError for an ord without axes for more than two axes; as vector_norm and matrix_norm.
/// PyTorch: torch.linalg.norm
template <Real T>
Tensor<T> norm(const Tensor<T>& x, std::optional<double> ord = {}, const Shape& axes = {}, ReduceOptions options = {}) {
  if (!ord) return gloss::norm(x, 2, Axes(axes), options);
  if (axes.empty() && x.dim() != 1 && x.dim() != 2)
    fail<ShapeError>("linalg::norm: an ord without axes wants a vector or a matrix, shape is ", x.shape());
  if ((axes.empty() ? x.dim() : axes.rank()) == 1) return gloss::norm(x, *ord, Axes(axes), options);
  return matrix_norm(x, *ord, axes.empty() ? Shape{0, 1} : axes, options);
}

namespace detail {
/// size(a) size(a^-1), infinity where a is singular.
template <class T, class F>
Tensor<T> condition_by(const Tensor<T>& a, F size) {
  check_square("cond", a.shape());
  const Tensor<bool> regular = all(lu_diagonal(a.detach().contiguous()), -1);
  const Tensor<T> filled = where(regular.unsqueeze(-1).unsqueeze(-1), a, eye<T>(a.size(-1)));
  return where(regular, size(a) * size(inv(filled)), std::numeric_limits<T>::infinity());
}
}  // namespace detail

/// How many times an error in b can grow in the solution of a x = b: for p = 2 the largest singular value over the
/// smallest, for -2 the other way round; for others the norm of a times that of its inverse, infinity for singular a.
/// Shape: [..., m, n] -> [...]; square matrices but for 2 and -2.
/// Errors: ShapeError when a is not square, Error for another p.
/// Backward: by its parts.
/// PyTorch: torch.linalg.cond
template <Real T>
Tensor<T> cond(const Tensor<T>& a, RealNumber p = 2) {
  const double ord = p;
  if (std::abs(ord) != 2) return detail::condition_by(a, [&](const Tensor<T>& x) { return matrix_norm(x, ord); });
  detail::check_matrix("cond", a.shape());
  const Tensor<T> s = svdvals(a);
  return ord > 0 ? amax(s, -1) / amin(s, -1) : amin(s, -1) / amax(s, -1);
}
template <Real T>
Tensor<T> cond(const Tensor<T>& a, MatrixNorm p) {
  return detail::condition_by(a, [p](const Tensor<T>& x) { return matrix_norm(x, p); });
}

}  // namespace gloss::inline GLOSS_ABI::linalg
