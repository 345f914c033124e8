// Reads and writes whole positions of an axis
#pragma once

#include <gloss/ops/gather.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// The axis, after the checks that index_add, index_copy and index_fill share.
template <class T>
int check_index_write(const char* op, const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index,
                      const Shape& source) {
  const int a = normalize_axis(op, axis, x.dim());
  Shape expected = x.shape();
  if (x.dim() > 0) expected[a] = index.numel();
  if (x.dim() == 0 || index.dim() > 1 || source != expected)
    fail<ShapeError>(op, ": source ", source, " does not fit x ", x.shape(), " and index ", index.shape());
  check_positions(op, index, x.shape()[a], a, x.shape());
  return a;
}
}  // namespace detail

/// y = the positions `index` of one axis of x, in that order.
/// Shape: index [n] or one number; y is x with that axis of size n.
/// Errors: ShapeError when index is not a vector, IndexError for a position out of range (negative ones too).
/// Backward: dx = dy added position by position.
/// PyTorch: torch.index_select
template <Element T>
Tensor<T> index_select(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index) {
  const int a = normalize_axis("index_select", axis, x.dim());
  if (x.dim() == 0 && index.numel() != 1)
    fail<ShapeError>("index_select: a scalar has one position, index has shape ", index.shape());
  if (x.dim() == 0) return index_select(x.view({1}), 0, index).view({});
  if (index.dim() > 1) fail<ShapeError>("index_select: index has shape ", index.shape(), ", a vector is wanted");
  const Tensor<std::int64_t> ids = detail::index_beside(index, x.shape(), a);
  Tensor<T> y = empty<T>(ids.shape());
  detail::check_positions("index_select", index, x.shape()[a], a, x.shape());
  detail::walk_indexed("index_select", x.shape(), x.strides(), a, ids, y.strides(),
                       [from = x.data(), to = y.data()](Index i, Index o) { to[o] = from[i]; });
  if constexpr (Real<T>)
    return record("index_select", y, {x}, [a, index, shape_x = x.shape()](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, index_add(zeros<T>(shape_x), a, index, dy));
    });
  return y;
}

/// y = x with source's position i of an axis added at position index[i].
/// Shape: source is x with that axis of index's length, or a scalar if x is.
/// Errors: ShapeError, IndexError
/// Backward: dx = dy, dsource = index_select(dy).
/// PyTorch: torch.index_add
template <Summable T>
Tensor<T> index_add(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, const Tensor<T>& source) {
  if (x.dim() == 0 && source.dim() == 0) return index_add(x.view({1}), axis, index, source.view({1})).view({});
  const int a = detail::check_index_write("index_add", x, axis, index, source.shape());
  return scatter_add(x, a, detail::index_beside(index, x.shape(), a), source);
}

/// y = x with source's position i of an axis put at position index[i]; of several for one place the last wins.
/// Shape: source is x with that axis of index's length; a scalar counts as a vector of one.
/// Errors: ShapeError, IndexError
/// Backward: dx = dy, 0 where it was overwritten; dsource = index_select(dy).
/// PyTorch: torch.index_copy
template <Element T>
Tensor<T> index_copy(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, const Tensor<T>& source) {
  if (x.dim() == 0 || (x.dim() == 1 && source.dim() == 0))
    return index_copy(detail::as_vector(x), axis, index, source.reshape({source.numel()})).view(x.shape());
  const int a = detail::check_index_write("index_copy", x, axis, index, source.shape());
  return scatter(x, a, detail::index_beside(index, x.shape(), a), source);
}

/// y = x with value at the positions `index` of an axis; negative ones count from the end.
/// Shape: index [n] or one number; y is x's.
/// Errors: ShapeError when index is not a vector, IndexError
/// Backward: dx = dy, 0 where it was overwritten.
/// PyTorch: torch.index_fill
template <Element T>
Tensor<T> index_fill(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, Scalar<T> value) {
  const int a = normalize_axis("index_fill", axis, x.dim());
  if (x.dim() == 0) return index_fill(x.view({1}), 0, index, value).view({});
  if (index.dim() > 1) fail<ShapeError>("index_fill: index has shape ", index.shape(), ", a vector is wanted");
  const auto ids = detail::wrap_positions("index_fill", index, x.shape()[a], a, x.shape());
  return scatter(x, a, detail::index_beside(ids, x.shape(), a), value);
}

}  // namespace gloss::inline GLOSS_ABI
