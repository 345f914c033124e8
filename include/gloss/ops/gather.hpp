// Reads and writes elements along an axis by position
#pragma once

#include <gloss/ops/elementwise.hpp>
#include <gloss/ops/indexed.hpp>

namespace gloss::inline GLOSS_ABI {

/// y[i, j, k] = x[i, index[i, j, k], k] for axis 1, and likewise for others.
/// Shape: index has x's rank and is no larger on the other axes; y has index's shape. A scalar counts as a vector of
/// one.
/// Errors: ShapeError, IndexError (negative positions too)
/// Backward: dx = dy added where it was read.
/// PyTorch: torch.gather
template <Element T>
Tensor<T> gather(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index) {
  const int a = normalize_axis("gather", axis, x.dim());
  if (detail::scalar_beside_vector({x.dim(), index.dim()}))
    return gather(detail::as_vector(x), axis, detail::as_vector(index)).view(index.shape());
  Tensor<T> y = empty<T>(index.shape());
  detail::walk_indexed("gather", x.shape(), x.strides(), a, index, y.strides(),
                       [from = x.data(), to = y.data()](Index i, Index o) { to[o] = from[i]; });
  if constexpr (Real<T>)
    return record("gather", y, {x}, [a, index, from = x.shape()](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, scatter_add(zeros<T>(from), a, index, dy));
    });
  return y;
}

/// y = x with source[i, j, k] added at [i, index[i, j, k], k] for axis 1, and likewise for others.
/// Shape: x; index is no larger than source, nor than x on the other axes. A scalar counts as a vector of one.
/// Errors: ShapeError, IndexError
/// Backward: dx = dy, dsource = gather(dy).
/// PyTorch: torch.scatter_add
template <Summable T>
Tensor<T> scatter_add(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, const Tensor<T>& source) {
  const int a = normalize_axis("scatter_add", axis, x.dim());
  if (detail::scalar_beside_vector({x.dim(), index.dim(), source.dim()}))
    return scatter_add(detail::as_vector(x), axis, detail::as_vector(index), detail::as_vector(source)).view(x.shape());
  if (source.shape() != index.shape())
    return scatter_add(x, axis, index, detail::source_under("scatter_add", source, index.shape()));
  Tensor<T> y = x.detach().clone();
  detail::walk_indexed(
      "scatter_add", y.shape(), y.strides(), a, index, source.strides(),
      [from = source.data(), to = y.data()](Index i, Index o) { to[i] = kernels::Plus{}(to[i], from[o]); });
  if constexpr (Real<T>)
    return record("scatter_add", y, {x, source}, [a, index](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, dy);
      if (dx.needs(1)) dx.add(1, gather(dy, a, index));
    });
  return y;
}

/// y = x with source[i, j, k] put at [i, index[i, j, k], k] for axis 1, and likewise for others. Of several sources for
/// one place the last wins.
/// Shape: x; index is no larger than source, nor than x on the other axes. A scalar counts as a vector of one.
/// Errors: ShapeError, IndexError
/// Backward: dx = dy, 0 where it was overwritten; dsource = gather(dy).
/// PyTorch: torch.scatter(x, dim, index, src)
template <Element T>
Tensor<T> scatter(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, const Tensor<T>& source) {
  const int a = normalize_axis("scatter", axis, x.dim());
  if (detail::scalar_beside_vector({x.dim(), index.dim(), source.dim()}))
    return scatter(detail::as_vector(x), axis, detail::as_vector(index), detail::as_vector(source)).view(x.shape());
  if (source.shape() != index.shape())
    return scatter(x, axis, index, detail::source_under("scatter", source, index.shape()));
  Tensor<T> y = x.detach().clone();
  detail::walk_indexed("scatter", y.shape(), y.strides(), a, index, source.strides(),
                       [from = source.data(), to = y.data()](Index i, Index o) { to[i] = from[o]; });
  if constexpr (Real<T>)
    return record("scatter", y, {x, source}, [a, index](const Tensor<T>& dy, Grads& dx) {
      if (dx.needs(0)) dx.add(0, scatter(dy, a, index, 0));
      if (dx.needs(1)) dx.add(1, gather(dy, a, index));
    });
  return y;
}

/// y = x with value put at [i, index[i, j, k], k] for axis 1, and likewise for others.
/// Backward: dx = dy, 0 where it was overwritten.
/// PyTorch: torch.scatter(x, dim, index, value)
template <Element T>
Tensor<T> scatter(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, Scalar<T> value) {
  return scatter(x, axis, index, full<T>({}, static_cast<T>(value)).expand(index.shape()));
}

/// gather after x and index are broadcast on the other axes; without an axis, over all of x in row-major order.
/// Negative positions count from the end.
/// Shape: index has x's rank.
/// Errors: ShapeError, IndexError
/// PyTorch: torch.take_along_dim
template <Element T>
Tensor<T> take_along_dim(const Tensor<T>& x, const Tensor<std::int64_t>& index, Index axis) {
  const int a = normalize_axis("take_along_dim", axis, x.dim());
  if (index.dim() != x.dim())
    fail<ShapeError>("take_along_dim: index ", index.shape(), " has not as many axes as x ", x.shape());
  const auto ids = detail::wrap_positions("take_along_dim", index, x.dim() > 0 ? x.shape()[a] : 1, a, x.shape());
  if (x.dim() == 0) return gather(x, 0, ids);
  Shape from = x.shape(), to = index.shape();
  from[a] = to[a] = 1;
  const Shape across = broadcast_shapes("take_along_dim", from, to);
  from = to = across;
  from[a] = x.shape()[a];
  to[a] = index.shape()[a];
  return gather(x.expand(from), a, ids.expand(to));
}
template <Element T>
Tensor<T> take_along_dim(const Tensor<T>& x, const Tensor<std::int64_t>& index) {
  return take_along_dim(x.reshape({x.numel()}), index.reshape({index.numel()}), 0);
}

/// y[...] = the element of x, counted in row-major order, that index[...] names; negative ones count from the end.
/// Shape: index
/// Errors: IndexError
/// Backward: dx = dy added where it was read.
/// PyTorch: torch.take
template <Element T>
Tensor<T> take(const Tensor<T>& x, const Tensor<std::int64_t>& index) {
  const auto ids = detail::wrap_positions("take", index, x.numel(), 0, {x.numel()});
  return gather(x.reshape({-1}), 0, ids.view({ids.numel()})).view(index.shape());
}

GLOSS_INSTANTIATE(Tensor<std::int64_t> gather(const Tensor<std::int64_t>&, Index, const Tensor<std::int64_t>&))

}  // namespace gloss::inline GLOSS_ABI
