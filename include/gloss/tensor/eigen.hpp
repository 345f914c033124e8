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

namespace detail {
template <class T>
[[noreturn]] GLOSS_COLD void refuse_strides(const Tensor<T>& x) {
  fail<ShapeError>("as_eigen_ref: an Eigen::Ref cannot have the strides ", x.strides(), " of shape ", x.shape(),
                   "; see as_eigen_strided");
}
}  // namespace detail

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

/// What a function that takes an Eigen::Ref<Plain> may be given: the tensor's memory, no copy, for a matrix or vector
/// type such as Eigen::MatrixXd or Eigen::Vector3f; Ref<const Plain> for as_eigen_ref<const Plain>. Rows of a row-major
/// Plain and columns of another are to be dense, any distance apart: Eigen's usual column-major types take x.mT().
/// Shape: [rows, columns]; [size] for a vector type.
/// Errors: ShapeError when the tensor has other axes than Plain, or sizes, or strides that a Ref cannot have.
template <class Plain, Element T>
  requires(std::same_as<T, typename Plain::Scalar>)
Eigen::Ref<Plain> as_eigen_ref(const Tensor<T>& x) {
  using Matrix = std::remove_const_t<Plain>;
  constexpr bool is_vector = Matrix::IsVectorAtCompileTime, is_row = is_vector && Matrix::RowsAtCompileTime == 1;
  if (x.dim() != (is_vector ? 1 : 2))
    fail<ShapeError>("as_eigen_ref: shape ", x.shape(), is_vector ? " has not one axis" : " has not two axes");
  const Index rows = is_row ? 1 : x.size(0), columns = is_row || !is_vector ? x.size(-1) : 1;
  constexpr Index fixed_rows = Matrix::RowsAtCompileTime, fixed_columns = Matrix::ColsAtCompileTime;
  if ((fixed_rows != Eigen::Dynamic && rows != fixed_rows) ||
      (fixed_columns != Eigen::Dynamic && columns != fixed_columns))
    fail<ShapeError>("as_eigen_ref: shape ", x.shape(), " is not that of the Eigen::Ref");
  constexpr int inner = Matrix::IsRowMajor && !is_vector ? 1 : 0, outer = 1 - inner;
  if (x.shape()[inner] > 1 && x.strides()[inner] != 1) detail::refuse_strides(x);
  if constexpr (is_vector) {
    return Eigen::Map<Plain>(x.data(), rows, columns);
  } else {
    // Eigen takes a distance of 0 for that of a dense matrix
    if (x.shape()[outer] > 1 && x.strides()[outer] == 0) detail::refuse_strides(x);
    using Distance = Eigen::OuterStride<>;
    return Eigen::Map<Plain, Eigen::Unaligned, Distance>(x.data(), rows, columns, Distance(x.strides()[outer]));
  }
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

/// An Eigen object whose numbers lie in memory and may be written: a matrix or array, a map, Eigen::Ref, block or
/// transpose of one.
template <class Matrix>
concept EigenMemory = !std::is_const_v<Matrix> && (Matrix::Flags & Eigen::DirectAccessBit) != 0 &&
                      (Matrix::Flags & Eigen::LvalueBit) != 0;

/// A tensor on the memory of a matrix, array, map, Eigen::Ref or block, with its strides, whatever the storage order;
/// never a copy. Maps, Refs and blocks may be temporaries: the tensor knows their memory and not them. Whoever owns
/// that memory keeps it alive, and does not resize it, as long as there is a tensor on it.
/// Shape: [rows, cols]; [size] for what is a vector at compile time.
/// Errors: ShapeError for negative strides.
template <class M, class Matrix = std::remove_reference_t<M>>
  requires(EigenMemory<Matrix> && (std::is_lvalue_reference_v<M> || !std::same_as<M, typename Matrix::PlainObject>))
Tensor<typename Matrix::Scalar> as_tensor(M&& m) {
  return from_blob(m.data(), detail::eigen_shape(m), detail::eigen_strides(m));
}

/// A tensor on the memory of a matrix, array, map, Eigen::Ref or block that the caller keeps alive and does not resize:
/// an lvalue is shared, whatever its storage order.
/// Shape: [rows, cols]; [size] for what is a vector at compile time.
/// Errors: ShapeError for negative strides.
template <EigenMemory Matrix>
Tensor<typename Matrix::Scalar> from_eigen(Matrix& m) {
  return as_tensor(m);
}
/// A tensor that owns the numbers: a temporary matrix or array is moved in, anything else (an expression, a temporary
/// block, a matrix, map or Eigen::Ref that is const) is computed or copied into a new one.
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

// clang-format off: a reason stands on the line that the compiler shows
template <class Derived>
void as_tensor(const Eigen::DenseBase<Derived>&)
    GLOSS_REFUSED("const or temporary numbers cannot be shared: from_eigen copies them");
// clang-format on

}  // namespace gloss::inline GLOSS_ABI
