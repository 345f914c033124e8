// Picks positions of an axis
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = the positions `index` of one axis of x, in that order.
/// Shape: index [n]; y is x with that axis of size n.
/// Errors: ShapeError when index is not a vector, IndexError for a position out of range.
/// Backward: dx = dy added position by position.
/// PyTorch: torch.index_select
template <Element T>
Tensor<T> index_select(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index) {
  if (x.dim() == 0) fail<ShapeError>("index_select: a scalar has no axis to select from");
  const int a = normalize_axis("index_select", axis, x.dim());
  if (index.dim() != 1) fail<ShapeError>("index_select: index has shape ", index.shape(), ", a vector is wanted");
  Shape shape = x.shape();
  shape[a] = index.numel();
  Tensor<T> y = empty<T>(shape);
  const Tensor<T> from = x.detach();
  for (Index i = 0; i < index.numel(); ++i) {
    const std::int64_t id = index.at({i});
    if (id < 0 || id >= x.shape()[a])
      fail<IndexError>("index_select: index ", id, " is out of range for axis ", a, " of shape ", x.shape());
    y.select(a, i).copy_(from.select(a, id));
  }
  if constexpr (Real<T>)
    return record("index_select", y, {x}, [a, index, shape_x = x.shape()](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, index_add(zeros<T>(shape_x), a, index, dy));
    });
  return y;
}

/// y = x with source's position i of an axis added at position index[i].
/// Shape: source is x with that axis of index's length.
/// Errors: ShapeError, IndexError
/// Backward: dx = dy, dsource = index_select(dy).
/// PyTorch: torch.index_add
template <Real T>
Tensor<T> index_add(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, const Tensor<T>& source) {
  const int a = normalize_axis("index_add", axis, x.dim());
  Shape expected = x.shape();
  if (x.dim() > 0) expected[a] = index.numel();
  if (x.dim() == 0 || index.dim() != 1 || source.shape() != expected)
    fail<ShapeError>("index_add: source ", source.shape(), " does not fit x ", x.shape(), " and index ", index.shape());
  Tensor<T> y = x.detach().clone();
  const Tensor<T> from = source.detach();
  for (Index i = 0; i < index.numel(); ++i) {
    const std::int64_t id = index.at({i});
    if (id < 0 || id >= x.shape()[a])
      fail<IndexError>("index_add: index ", id, " is out of range for axis ", a, " of shape ", x.shape());
    const Tensor<T> to = y.select(a, id), piece = from.select(a, i);
    kernels::map(kernels::make_loop<3>(to.shape(), {to.strides(), to.strides(), piece.strides()}), kernels::Plus{},
                 to.data(), static_cast<const T*>(to.data()), static_cast<const T*>(piece.data()));
  }
  return record("index_add", y, {x, source}, [a, index](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy);
    if (dx.needs(1)) dx.add(1, index_select(dy, a, index));
  });
}

}  // namespace gloss::inline GLOSS_ABI
