// View members of Tensor that rename, split and pick axes: movedim, unflatten, diagonal, unfold
#pragma once

#include <gloss/tensor/views.hpp>

namespace gloss::inline GLOSS_ABI {

/// Drops those of the axes that have size 1.
/// Errors: IndexError for an axis out of range or named twice.
/// PyTorch: x.squeeze(dims)
template <class T>
Tensor<T> Tensor<T>::squeeze(const Shape& axes) const {
  bool drop[max_rank] = {};
  for (Index entry : axes) {
    const int axis = normalize_axis("squeeze", entry, dim());
    if (drop[axis]) fail<IndexError>("squeeze: axis ", axis, " appears twice in ", axes);
    drop[axis] = true;
  }
  Shape sizes;
  for (int axis = 0; axis < dim(); ++axis)
    if (!drop[axis] || shape()[axis] != 1) sizes.push_back(shape()[axis]);
  return sizes.rank() == dim() ? *this : view(sizes);
}

/// The transposed matrix; a vector or scalar stays as it is.
/// Errors: ShapeError with more than two axes.
/// PyTorch: x.t()
template <class T>
Tensor<T> Tensor<T>::t() const {
  if (dim() > 2) fail<ShapeError>("t: at most two axes are wanted, shape is ", shape());
  return dim() < 2 ? *this : transpose(0, 1);
}

/// Axis source[i] becomes axis destination[i]; the others keep their order.
/// Errors: IndexError for an axis out of range or named twice, ShapeError for lists of different length.
/// PyTorch: torch.movedim
template <class T>
Tensor<T> Tensor<T>::movedim(const Shape& source, const Shape& destination) const {
  if (source.rank() != destination.rank())
    fail<ShapeError>("movedim: source ", source, " and destination ", destination, " differ in length");
  if (dim() == 0) {
    for (int i = 0; i < source.rank(); ++i)
      normalize_axis("movedim", source[i], 0), normalize_axis("movedim", destination[i], 0);
    return *this;
  }
  Shape order = Shape::filled(dim(), -1);
  bool moved[max_rank] = {};
  for (int i = 0; i < source.rank(); ++i) {
    const int from = normalize_axis("movedim", source[i], dim()), to = normalize_axis("movedim", destination[i], dim());
    if (moved[from]) fail<IndexError>("movedim: axis ", from, " appears twice in source ", source);
    if (order[to] >= 0) fail<IndexError>("movedim: axis ", to, " appears twice in destination ", destination);
    moved[from] = true;
    order[to] = from;
  }
  int next = 0;
  for (Index& entry : order) {
    if (entry >= 0) continue;
    while (moved[next]) ++next;
    entry = next++;
  }
  return permute(order);
}

/// One axis as several; one size may be -1.
/// Errors: ShapeError when the sizes do not fill the axis.
/// PyTorch: x.unflatten
template <class T>
Tensor<T> Tensor<T>::unflatten(Index axis, Shape sizes) const {
  const int a = normalize_axis("unflatten", axis, dim());
  if (dim() == 0) fail<ShapeError>("unflatten: a scalar has no axis to split");
  if (sizes.rank() == 0) fail<ShapeError>("unflatten: no sizes for axis ", a, " of shape ", shape());
  sizes = detail::infer_size("unflatten", Shape{shape()[a]}, sizes);
  Shape target(shape().begin(), shape().begin() + a);
  for (Index s : sizes) target.push_back(s);
  for (int i = a + 1; i < dim(); ++i) target.push_back(shape()[i]);
  return view(target);
}

namespace detail {
inline Layout diagonal_layout(const Shape& shape, const Shape& strides, const Index* numbers) {
  const Index offset = numbers[0];
  const int rank = shape.rank();
  const int a = normalize_axis("diagonal", numbers[1], rank), b = normalize_axis("diagonal", numbers[2], rank);
  if (rank < 2) fail<ShapeError>("diagonal: two axes are needed, shape is ", shape);
  if (a == b) fail<IndexError>("diagonal: axis ", a, " is named twice");
  const Index rows = shape[a] + (std::min)(offset, Index{0}), cols = shape[b] - (std::max)(offset, Index{0});
  const Index n = (std::max)((std::min)(rows, cols), Index{0});
  Layout y;
  if (n > 0 && shape.numel() > 0) y.offset = offset > 0 ? offset * strides[b] : -offset * strides[a];
  for (int i = 0; i < rank; ++i)
    if (i != a && i != b) {
      y.shape.push_back(shape[i]);
      y.strides.push_back(strides[i]);
    }
  y.shape.push_back(n);
  y.strides.push_back(strides[a] + strides[b]);
  return y;
}
}  // namespace detail

/// y[..., i] = x[i, i + offset] over two axes, which go; the diagonal is the last axis.
/// Errors: IndexError when the axes are the same.
/// Backward: dx = dy on the diagonal, 0 elsewhere.
/// PyTorch: torch.diagonal
template <class T>
Tensor<T> Tensor<T>::diagonal(Index offset, Index axis0, Index axis1) const {
  return detail::take_part("diagonal", *this, {detail::diagonal_layout, {offset, axis0, axis1}});
}

namespace detail {
/// Adds windows back where they were read: the backward of unfold. Windows that overlap meet in order of position.
template <class T>
Tensor<T> fold_windows(const Tensor<T>& dy, const Shape& shape, int axis, Index size, Index step) {
  Tensor<T> x = Tensor<T>::uninitialized(shape).zero_();
  const Index windows = dy.shape()[axis];
  const Tensor<T> from = dy.detach();
  for (Index k = 0; k < size && windows > 0; ++k) {
    const Tensor<T> to = x.slice(axis, k, k + (windows - 1) * step + 1, step), piece = from.select(-1, k);
    kernels::update(kernels::make_loop<2>(to.shape(), {to.strides(), piece.strides()}), kernels::Plus{}, to.data(),
                    static_cast<const T*>(piece.data()));
  }
  return record("fold_windows", x, {dy},
                [=](const Tensor<T>& dx, Grads& ddy) { ddy.add(0, dx.unfold(axis, size, step)); });
}
}  // namespace detail

/// Windows of `size` positions of one axis, `step` apart, as views; they may overlap. The axis counts the windows and a
/// new last axis the positions in each.
/// Shape: [..., n, ...] -> [..., (n - size) / step + 1, ..., size]
/// Errors: ShapeError when the axis is shorter than a window, IndexError when size is negative or step not positive.
/// Backward: dx = dy added where it was read.
/// PyTorch: x.unfold
template <class T>
Tensor<T> Tensor<T>::unfold(Index axis, Index size, Index step) const {
  const int a = normalize_axis("unfold", axis, dim());
  const Index n = dim() > 0 ? shape()[a] : 1;
  if (size < 0) fail<IndexError>("unfold: size ", size, " is negative");
  if (step <= 0) fail<IndexError>("unfold: step ", step, " is not positive");
  if (size > n) fail<ShapeError>("unfold: a window of ", size, " is longer than axis ", a, " of shape ", shape());
  if (dim() == 0) return unsqueeze(0).narrow(0, 0, size);
  Shape sizes = shape(), steps = strides();
  sizes[a] = (n - size) / step + 1;
  sizes.push_back(size);
  steps.push_back(steps[a]);
  if (sizes[a] > 1) steps[a] *= step;  // a step beyond the axis is taken nowhere, and might overflow
  Tensor y = as_strided(sizes, steps, 0);
  if constexpr (Real<T>)
    return record("unfold", std::move(y), {*this}, [a, size, step, from = shape()](const Tensor& dy, Grads& dx) {
      dx.add(0, detail::fold_windows(dy, from, a, size, step));
    });
  else
    return y;
}

}  // namespace gloss::inline GLOSS_ABI
