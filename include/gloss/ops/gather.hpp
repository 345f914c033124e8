// Picks elements along an axis by position
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
// Walks index and, along `axis`, the element of the other tensor that it names: f(offset in x, offset in index, in
// out).
template <class F>
void for_each_indexed(const char* op, const Shape& x_shape, const Shape& x_strides, int axis,
                      const Tensor<std::int64_t>& index, const Shape& out_strides, F f) {
  if (index.dim() != x_shape.rank())
    fail<ShapeError>(op, ": index ", index.shape(), " has not as many axes as x ", x_shape);
  for (int a = 0; a < x_shape.rank(); ++a)
    if (a != axis && index.shape()[a] > x_shape[a])
      fail<ShapeError>(op, ": index ", index.shape(), " is larger than x ", x_shape, " at axis ", a);
  const Index n = x_shape.rank() > 0 ? x_shape[axis] : 1;
  const Index along = x_shape.rank() > 0 ? x_strides[axis] : 1;
  Shape across = x_strides;
  if (x_shape.rank() > 0) across[axis] = 0;
  const kernels::Loop<3> loop = kernels::make_loop<3>(index.shape(), {across, index.strides(), out_strides});
  const Index sx = loop.inner_stride(0), si = loop.inner_stride(1), so = loop.inner_stride(2);
  const std::int64_t* ids = index.data();
  // serial: scattered additions must keep their order
  Index position[max_rank] = {}, offset[3] = {};
  const Index rows = loop.numel > 0 ? loop.numel / loop.inner_size() : 0;
  for (Index row = 0; row < rows; ++row) {
    for (Index i = 0; i < loop.inner_size(); ++i) {
      const std::int64_t id = ids[offset[1] + i * si];
      if (id < 0 || id >= n)
        fail<IndexError>(op, ": index ", id, " is out of range for axis ", axis, " of shape ", x_shape);
      f(offset[0] + i * sx + id * along, offset[2] + i * so);
    }
    for (int a = loop.rank - 2; a >= 0; --a) {
      for (int k = 0; k < 3; ++k) offset[k] += loop.strides[k][a];
      if (++position[a] < loop.sizes[a]) break;
      for (int k = 0; k < 3; ++k) offset[k] -= loop.sizes[a] * loop.strides[k][a];
      position[a] = 0;
    }
  }
}
}  // namespace detail

/// y[i, j, k] = x[i, index[i, j, k], k] for axis 1, and likewise for others.
/// Shape: index has x's rank and is no larger on the other axes; y has index's shape.
/// Errors: ShapeError, IndexError
/// Backward: dx = dy added where it was read.
/// PyTorch: torch.gather
template <Element T>
Tensor<T> gather(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index) {
  const int a = normalize_axis("gather", axis, x.dim());
  Tensor<T> y = empty<T>(index.shape());
  detail::for_each_indexed("gather", x.shape(), x.strides(), a, index, y.strides(),
                           [from = x.data(), to = y.data()](Index i, Index o) { to[o] = from[i]; });
  if constexpr (Real<T>)
    return record("gather", y, {x}, [a, index, from = x.shape()](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, scatter_add(zeros<T>(from), a, index, dy));
    });
  return y;
}

/// y = x with source[i, j, k] added at [i, index[i, j, k], k] for axis 1, and likewise for others.
/// Shape: x; source has index's shape.
/// Errors: ShapeError, IndexError
/// Backward: dx = dy, dsource = gather(dy).
/// PyTorch: torch.scatter_add
template <Real T>
Tensor<T> scatter_add(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, const Tensor<T>& source) {
  const int a = normalize_axis("scatter_add", axis, x.dim());
  if (source.shape() != index.shape())
    fail<ShapeError>("scatter_add: source ", source.shape(), " and index ", index.shape(), " differ");
  Tensor<T> y = x.detach().clone();
  detail::for_each_indexed("scatter_add", y.shape(), y.strides(), a, index, source.strides(),
                           [from = source.data(), to = y.data()](Index i, Index o) { to[i] += from[o]; });
  return record("scatter_add", y, {x, source}, [a, index](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy);
    if (dx.needs(1)) dx.add(1, gather(dy, a, index));
  });
}

}  // namespace gloss::inline GLOSS_ABI
