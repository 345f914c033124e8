// Eigen's matrices as tensors and tensors as Eigen's maps, on one memory. For those who use Eigen themselves; no
// umbrella includes it.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push  // GCC 12 takes its own _mm512_undefined_ps for a mistake
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <Eigen/Core>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <gloss/tensor/from_blob.hpp>

namespace gloss::inline GLOSS_ABI {

/// A dense row-major matrix in a tensor's memory.
template <class T>
using EigenMatrixMap = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
/// A matrix in a tensor's memory, with any strides.
template <class T>
using EigenStridedMap = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, Eigen::Unaligned,
                                   Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
/// A vector in a tensor's memory, with any stride.
template <class T>
using EigenVectorMap =
    Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>, Eigen::Unaligned, Eigen::InnerStride<Eigen::Dynamic>>;

/// The tensor as a dense matrix: its last axis runs along the rows, all before it are the rows; a vector is one row.
/// Nothing is copied; the map is valid while a tensor on this memory lives.
/// Errors: ShapeError when the tensor is a scalar or not contiguous.
template <Element T>
EigenMatrixMap<T> as_eigen(const Tensor<T>& x) {
  if (x.dim() == 0 || !x.is_contiguous())
    fail<ShapeError>("as_eigen: shape ", x.shape(), " with strides ", x.strides(),
                     " is not a dense matrix; see as_eigen_strided");
  Index rows = 1;
  for (int axis = 0; axis + 1 < x.dim(); ++axis) rows *= x.shape()[axis];
  return {x.data(), rows, x.size(-1)};
}
/// A matrix with any strides: transposed, sliced, stretched.
/// Errors: ShapeError when the tensor has not two axes.
template <Element T>
EigenStridedMap<T> as_eigen_strided(const Tensor<T>& x) {
  if (x.dim() != 2) fail<ShapeError>("as_eigen_strided: shape ", x.shape(), " has not two axes");
  return {x.data(), x.shape()[0], x.shape()[1], {x.strides()[0], x.strides()[1]}};
}
/// A vector with any stride.
/// Errors: ShapeError when the tensor has not one axis.
template <Element T>
EigenVectorMap<T> as_eigen_vector(const Tensor<T>& x) {
  if (x.dim() != 1) fail<ShapeError>("as_eigen_vector: shape ", x.shape(), " has not one axis");
  return {x.data(), x.shape()[0], Eigen::InnerStride<Eigen::Dynamic>(x.strides()[0])};
}

namespace detail {
template <class Matrix>
Shape eigen_shape(const Matrix& m) {
  if constexpr (Matrix::IsVectorAtCompileTime)
    return {static_cast<Index>(m.size())};
  else
    return {static_cast<Index>(m.rows()), static_cast<Index>(m.cols())};
}
template <class Matrix>
Shape eigen_strides(const Matrix& m) {
  if constexpr (Matrix::IsVectorAtCompileTime)
    return {static_cast<Index>(m.innerStride())};
  else
    return {static_cast<Index>(m.rowStride()), static_cast<Index>(m.colStride())};
}
}  // namespace detail

/// A tensor on the memory of a matrix, array, map or block that the caller keeps alive and does not resize: an lvalue
/// is shared, whatever its storage order.
/// Shape: [rows, cols]; [size] for what is a vector at compile time.
/// Errors: ShapeError for negative strides.
template <class Matrix>
  requires(!std::is_const_v<Matrix> && (Matrix::Flags & Eigen::DirectAccessBit) != 0)
Tensor<typename Matrix::Scalar> from_eigen(Matrix& m) {
  return from_blob(m.data(), detail::eigen_shape(m), detail::eigen_strides(m));
}
/// A tensor that owns the numbers: a temporary matrix or array is moved in, an expression or a const matrix is computed
/// or copied into a new one.
template <class Derived>
Tensor<typename Derived::Scalar> from_eigen(const Eigen::DenseBase<Derived>& values) {
  using Plain = typename Derived::PlainObject;
  auto owner = std::make_unique<Plain>(values.derived());
  Plain& m = *owner;
  return from_blob(m.data(), detail::eigen_shape(m), detail::eigen_strides(m), std::move(owner));
}
template <class Matrix>
  requires(!std::is_lvalue_reference_v<Matrix> && !std::is_const_v<Matrix> &&
           std::is_same_v<Matrix, typename Matrix::PlainObject>)
Tensor<typename Matrix::Scalar> from_eigen(Matrix&& m) {
  auto owner = std::make_unique<Matrix>(std::forward<Matrix>(m));
  Matrix& kept = *owner;
  return from_blob(kept.data(), detail::eigen_shape(kept), detail::eigen_strides(kept), std::move(owner));
}

}  // namespace gloss::inline GLOSS_ABI
