// The shared part of the ops that read or write by position: bounds, and the walk along one axis.
#pragma once

#include <algorithm>
#include <initializer_list>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// Positions along an axis of size n, checked before anything is computed.
/// Errors: IndexError naming the first that is out of range.
GLOSS_LAZY GLOSS_NOINLINE void check_positions(const char* op, const Tensor<std::int64_t>& index, Index n, int axis,
                                               const Shape& shape) {
  if (index.numel() == 0) return;
  Shape sizes = index.shape();
  for (int a = 0; a < sizes.rank(); ++a)
    if (index.strides()[a] == 0) sizes[a] = 1;  // a stretched axis holds one position many times
  const Tensor<std::int64_t> dense = index.as_strided(sizes, index.strides(), 0).contiguous();
  const std::int64_t* ids = dense.data();
  const Index count = dense.numel();
  bool fits = true;
  for (Index i = 0; i < count; ++i) fits &= static_cast<std::uint64_t>(ids[i]) < static_cast<std::uint64_t>(n);
  for (Index i = 0; !fits && i < count; ++i)
    if (ids[i] < 0 || ids[i] >= n)
      fail<IndexError>(op, ": index ", ids[i], " is out of range for axis ", axis, " of shape ", shape);
}

/// The same for positions that may count from the end: a copy in [0, n).
GLOSS_LAZY GLOSS_NOINLINE Tensor<std::int64_t> wrap_positions(const char* op, const Tensor<std::int64_t>& index,
                                                              Index n, int axis, const Shape& shape) {
  Tensor<std::int64_t> y = index.clone();
  for (Index i = 0; i < y.numel(); ++i) {
    std::int64_t& id = y.data()[i];
    if (id < -n || id >= n)
      fail<IndexError>(op, ": index ", id, " is out of range for axis ", axis, " of shape ", shape);
    if (id < 0) id += n;
  }
  return y;
}

/// index, a vector, as it looks beside a tensor of this shape whose `axis` it goes along.
GLOSS_LAZY GLOSS_NOINLINE Tensor<std::int64_t> index_beside(const Tensor<std::int64_t>& index, Shape shape, int axis) {
  shape[axis] = index.numel();
  Shape steps = Shape::filled(shape.rank(), 0);
  steps[axis] = index.dim() > 0 ? index.strides()[0] : 0;
  return index.as_strided(shape, steps, 0);
}

/// Calls f(offset in x, offset in other) for every element of index: x at the position that index names along `axis`,
/// other where index stands. Threads share the lines along the axis, and each line goes in order, so additions into x
/// meet in one order whatever the number of threads.
/// Errors: ShapeError, IndexError
template <class F>
void walk_indexed(const char* op, const Shape& x_shape, const Shape& x_strides, int axis,
                  const Tensor<std::int64_t>& index, const Shape& other_strides, F f) {
  const ProfileScope scope(op);
  const int rank = x_shape.rank();
  if (index.dim() != rank) fail<ShapeError>(op, ": index ", index.shape(), " has not as many axes as x ", x_shape);
  if (index.numel() == 0) return;
  for (int a = 0; a < rank; ++a)
    if (a != axis && index.shape()[a] > x_shape[a])
      fail<ShapeError>(op, ": index ", index.shape(), " is larger than x ", x_shape, " at axis ", a);
  check_positions(op, index, rank > 0 ? x_shape[axis] : 1, axis, x_shape);
  const std::int64_t* ids = index.data();
  if (rank == 0) return f(Index{0}, Index{0});
  const Index count = index.shape()[axis], along = x_strides[axis];
  const Index index_step = index.strides()[axis], other_step = other_strides[axis];
  Shape across, x_across, index_across, other_across;
  for (int a = 0; a < rank; ++a)
    if (a != axis) {
      across.push_back(index.shape()[a]);
      x_across.push_back(x_strides[a]);
      index_across.push_back(index.strides()[a]);
      other_across.push_back(other_strides[a]);
    }
  const kernels::Loop<3> loop = kernels::make_loop<3>(across, {x_across, index_across, other_across});
  const Index sx = loop.inner_stride(0), si = loop.inner_stride(1), so = loop.inner_stride(2);
  const bool lines_inside = loop.inner_size() == 1 || other_step < so;  // which of the two loops is inner
  kernels::for_each_row(
      loop,
      [=](const Index* offset, Index n) {
        if (lines_inside) {
          for (Index i = 0; i < n; ++i)
            for (Index k = 0; k < count; ++k)
              f(offset[0] + i * sx + ids[offset[1] + i * si + k * index_step] * along,
                offset[2] + i * so + k * other_step);
        } else if (si == 0) {
          for (Index k = 0; k < count; ++k) {
            const Index x = offset[0] + ids[offset[1] + k * index_step] * along, other = offset[2] + k * other_step;
            for (Index i = 0; i < n; ++i) f(x + i * sx, other + i * so);
          }
        } else {
          for (Index k = 0; k < count; ++k)
            for (Index i = 0; i < n; ++i)
              f(offset[0] + i * sx + ids[offset[1] + i * si + k * index_step] * along,
                offset[2] + i * so + k * other_step);
        }
      },
      16384 / count + 1);
}

/// Scalars beside vectors, which count as vectors of one.
inline bool scalar_beside_vector(std::initializer_list<int> ranks) {
  return (std::min)(ranks) == 0 && (std::max)(ranks) == 1;
}
template <class T>
Tensor<T> as_vector(const Tensor<T>& x) {
  return x.dim() == 0 ? x.view({1}) : x;
}

/// The part of source that stands under index, which may be smaller.
/// Errors: ShapeError when it is larger.
template <class T>
Tensor<T> source_under(const char* op, const Tensor<T>& source, const Shape& index) {
  bool fits = source.dim() == index.rank();
  for (int a = 0; a < index.rank() && fits; ++a) fits = index[a] <= source.shape()[a];
  if (!fits) fail<ShapeError>(op, ": index ", index, " does not lie within source ", source.shape());
  Tensor<T> part = source;
  for (int a = 0; a < index.rank(); ++a)
    if (index[a] != source.shape()[a]) part = part.narrow(a, 0, index[a]);
  return part;
}

}  // namespace gloss::inline GLOSS_ABI::detail
