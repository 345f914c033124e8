// Eigen's tensors (its module unsupported/Eigen/CXX11/Tensor) as gloss's and the other way, on one memory. For those
// who use them themselves; no umbrella includes it, and it takes long to compile.
#pragma once

#include <gloss/tensor/eigen.hpp>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <unsupported/Eigen/CXX11/Tensor>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace gloss::inline GLOSS_ABI {

/// Eigen's view of a dense tensor: row-major, as gloss's are.
template <class T, int rank>
using EigenTensorMap = Eigen::TensorMap<Eigen::Tensor<T, rank, Eigen::RowMajor>>;

/// The tensor as Eigen's with so many axes: as_eigen_tensor<3>(x). Nothing is copied; the map is valid while a tensor
/// on this memory lives. Eigen's maps have no strides, so contiguous() comes first where the tensor is a view.
/// Errors: ShapeError when it has another number of axes or is not contiguous.
template <int rank, Element T>
EigenTensorMap<T, rank> as_eigen_tensor(const Tensor<T>& x) {
  if (x.dim() != rank) fail<ShapeError>("as_eigen_tensor: shape ", x.shape(), " has not ", rank, " axes");
  if (!x.is_contiguous())
    fail<ShapeError>("as_eigen_tensor: shape ", x.shape(), " with strides ", x.strides(), " is not contiguous");
  Eigen::DSizes<Eigen::Index, rank> sizes;
  for (int axis = 0; axis < rank; ++axis) sizes[static_cast<std::size_t>(axis)] = x.shape()[axis];
  return {x.data(), sizes};
}

namespace detail {
template <class EigenTensor>
Shape eigen_tensor_shape(const EigenTensor& t) {
  Shape shape;
  for (const auto size : t.dimensions()) shape.push_back(size);
  return shape;
}
/// Of dense elements in the layout of the type.
template <class EigenTensor>
Shape eigen_tensor_strides(const EigenTensor& t) {
  constexpr bool is_row_major = int{EigenTensor::Layout} == int{Eigen::RowMajor};
  const Shape shape = eigen_tensor_shape(t);
  const int rank = shape.rank();
  Shape strides = shape;
  Index step = 1;
  for (int i = 0; i < rank; ++i) {
    const int axis = is_row_major ? rank - 1 - i : i;
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}
template <class E>
inline constexpr bool is_eigen_tensor_map = false;
template <class Plain, int options, template <class> class Pointer>
inline constexpr bool is_eigen_tensor_map<Eigen::TensorMap<Plain, options, Pointer>> = true;
}  // namespace detail

/// An Eigen::Tensor or Eigen::TensorMap, whose numbers lie in memory and may be written.
template <class E>
concept EigenTensorMemory = Element<typename E::Scalar> && requires(E& t) {
  typename E::Dimensions;
  { t.data() } -> std::same_as<typename E::Scalar*>;
};

/// A tensor on the memory of an Eigen::Tensor or Eigen::TensorMap of either layout, with strides that say which; never
/// a copy. A map may be a temporary. Whoever owns the memory keeps it alive, and does not resize it, as long as there
/// is a tensor on it.
template <class E, class EigenTensor = std::remove_reference_t<E>>
  requires(EigenTensorMemory<EigenTensor> && (std::is_lvalue_reference_v<E> || detail::is_eigen_tensor_map<E>))
Tensor<typename EigenTensor::Scalar> as_tensor(E&& t) {
  return from_blob(t.data(), detail::eigen_tensor_shape(t), detail::eigen_tensor_strides(t));
}

/// A tensor on the memory of an Eigen::Tensor or Eigen::TensorMap that the caller keeps alive and does not resize: an
/// lvalue is shared.
template <EigenTensorMemory E>
Tensor<typename E::Scalar> from_eigen(E& t) {
  return as_tensor(t);
}
/// A tensor that owns the numbers: a temporary Eigen::Tensor is moved in, anything else (an expression, a temporary
/// map, what is const) is computed or copied into a new one.
template <class T, int rank, int options, class EigenIndex>
Tensor<T> from_eigen(Eigen::Tensor<T, rank, options, EigenIndex>&& t) {
  auto owner = std::make_unique<Eigen::Tensor<T, rank, options, EigenIndex>>(std::move(t));
  auto& kept = *owner;
  return from_blob(kept.data(), detail::eigen_tensor_shape(kept), detail::eigen_tensor_strides(kept), std::move(owner));
}
template <class Derived>
auto from_eigen(const Eigen::TensorBase<Derived, Eigen::ReadOnlyAccessors>& values) {
  using Traits = Eigen::internal::traits<Derived>;
  using T = std::remove_const_t<typename Traits::Scalar>;
  return from_eigen(Eigen::Tensor<T, Traits::NumDimensions, Traits::Layout, typename Traits::Index>(
      static_cast<const Derived&>(values)));
}

}  // namespace gloss::inline GLOSS_ABI
