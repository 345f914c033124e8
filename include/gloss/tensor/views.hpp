// The view members of Tensor: new sizes and strides over the same memory. Each backward is the same step in reverse.
#pragma once

#include <gloss/kernels/reduce.hpp>
#include <gloss/tensor/record.hpp>

namespace gloss::inline GLOSS_ABI {

/// Sums over the axes along which broadcasting stretched a tensor of `shape` to x: the backward of expand and of every
/// op that broadcasts.
/// Shape: x, broadcast from shape -> shape
template <Real T>
Tensor<T> sum_to(const Tensor<T>& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int extra = x.dim() - shape.rank();
  bool is_reduced[max_rank] = {};
  for (int axis = 0; axis < x.dim(); ++axis)
    is_reduced[axis] = axis < extra || (shape[axis - extra] == 1 && x.shape()[axis] != 1);
  Tensor<T> y = Tensor<T>::uninitialized(shape);
  ProfileScope scope("sum_to");
  if (scope) scope.bytes(sizeof(T), {x.numel(), y.numel()});
  kernels::reduce(kernels::Reduction(x.shape(), x.strides(), is_reduced), static_cast<const T*>(x.data()), y.data(),
                  T{0}, kernels::Plus{});
  return record("sum_to", y, {x}, [from = x.shape()](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy.expand(from)); });
}

namespace detail {

template <class T>
void record_overwrite(const char* op, const Tensor<T>& x, const Tensor<T>* source) {
  const GraphInput input(source ? *source : Tensor<T>{});
  record_on(
      op, x, &input, 1,
      [shape = source ? source->shape() : Shape{}](const Tensor<T>& dy, Grads& dx) {
        if (dx.needs(0)) dx.add(0, sum_to(dy, shape));
      },
      true);
}

/// A recorded change in place: x keeps its memory and takes over the value and the node of y = op(old), where old
/// stands for what x was. If op saves old, old gets memory of its own.
template <class T, class Op>
GLOSS_NOINLINE void record_in_place(const char* name, const Tensor<T>& x, Op op) {
  const Tensor<T> old = x.alias_with_node();
  const Tensor<T> y = op(old);
  old.keep_if_saved();
  kernels::copy(kernels::make_loop<2>(x.shape(), {x.strides(), y.strides()}), x.data(),
                static_cast<const T*>(y.data()));
  x.mark_changed(name);
  x.take_node(y);
}

/// Strides by which memory of (shape, strides) reads as `target`; false when no strides do.
inline bool view_strides(const Shape& shape, const Shape& strides, const Shape& target, Shape& out) {
  out = contiguous_strides(target);
  if (target.numel() == 0) return true;
  int t = target.rank() - 1;
  for (int axis = shape.rank() - 1; axis >= 0;) {
    if (shape[axis] == 1) {
      --axis;
      continue;
    }
    // One dense run of source axes: `piece` elements, `base` apart.
    const Index base = strides[axis];
    Index piece = shape[axis], next_stride = strides[axis] * shape[axis];
    for (--axis; axis >= 0 && (shape[axis] == 1 || strides[axis] == next_stride); --axis) {
      if (shape[axis] == 1) continue;
      piece *= shape[axis];
      next_stride = strides[axis] * shape[axis];
    }
    // Target axes must fill the run exactly.
    Index filled = 1;
    for (; t >= 0 && (filled < piece || target[t] == 1); --t) {
      out[t] = filled * base;
      filled *= target[t];
    }
    if (filled != piece) return false;
  }
  return true;
}

/// `target` with its one -1 replaced by what numel leaves.
inline Shape infer_size(const char* op, const Shape& shape, Shape target) {
  const Index numel = shape.numel();
  Shape known;
  int unknown = -1;
  for (int axis = 0; axis < target.rank(); ++axis) {
    if (target[axis] == -1) {
      if (unknown >= 0) fail<ShapeError>(op, ": only one size may be -1, got ", target);
      unknown = axis;
    } else if (target[axis] < 0) {
      fail<ShapeError>(op, ": negative size in ", target);
    } else {
      known.push_back(target[axis]);
    }
  }
  if (!is_countable(known)) fail<ShapeError>(op, ": too many elements in ", target);
  if (unknown >= 0 && known.numel() > 0 && numel % known.numel() == 0) target[unknown] = numel / known.numel();
  if (target.numel() != numel || (unknown >= 0 && target[unknown] < 0))
    fail<ShapeError>(op, ": shape ", shape, " has ", numel, " elements, which do not fill ", target);
  return target;
}

/// Zeros of `shape` with dy where view(zeros) stands: the gradient of a view that reads a part.
template <class T, class View>
Tensor<T> embed(const Tensor<T>& dy, const Shape& shape, View view) {
  Tensor<T> x = Tensor<T>::uninitialized(shape).zero_();
  {
    NoGradGuard no_grad;
    view(x).copy_(dy);
  }
  return record("embed", x, {dy}, [view](const Tensor<T>& dx, Grads& ddy) { ddy.add(0, view(dx)); });
}

/// Records y = view(x), a part of x.
template <class T, class View>
Tensor<T> record_part(const char* op, const Tensor<T>& x, Tensor<T> y, View view) {
  if constexpr (Real<T>)
    return record(op, std::move(y), {x},
                  [shape = x.shape(), view](const Tensor<T>& dy, Grads& dx) { dx.add(0, embed(dy, shape, view)); });
  else
    return y;
}

/// Records y, a view of all of x that `back` turns into x's shape again.
template <class T, class Back>
Tensor<T> record_whole(const char* op, const Tensor<T>& x, Tensor<T> y, Back back) {
  if constexpr (Real<T>)
    return record(op, std::move(y), {x}, [back](const Tensor<T>& dy, Grads& dx) { dx.add(0, back(dy)); });
  else
    return y;
}

}  // namespace detail

template <class T>
Tensor<T> Tensor<T>::view(Shape target) const {
  target = detail::infer_size("view", shape(), target);
  Shape new_strides;
  if (!detail::view_strides(shape(), strides(), target, new_strides))
    fail<ShapeError>("view: shape ", shape(), " with strides ", strides(), " cannot be read as ", target,
                     "; use reshape");
  return detail::record_whole("view", *this, as_strided(target, new_strides, 0),
                              [from = shape()](const Tensor& dy) { return dy.reshape(from); });
}

template <class T>
Tensor<T> Tensor<T>::reshape(const Shape& shape) const {
  const Shape target = detail::infer_size("reshape", this->shape(), shape);
  Shape new_strides;
  return detail::view_strides(this->shape(), strides(), target, new_strides) ? view(target) : clone().view(target);
}

template <class T>
Tensor<T> Tensor<T>::transpose(Index axis0, Index axis1) const {
  const int a = normalize_axis("transpose", axis0, dim()), b = normalize_axis("transpose", axis1, dim());
  if (dim() == 0) return *this;
  Shape sizes = shape(), steps = strides();
  std::swap(sizes[a], sizes[b]);
  std::swap(steps[a], steps[b]);
  return detail::record_whole("transpose", *this, as_strided(sizes, steps, 0),
                              [a, b](const Tensor& dy) { return dy.transpose(a, b); });
}

template <class T>
Tensor<T> Tensor<T>::permute(const Shape& order) const {
  if (order.rank() != dim()) fail<ShapeError>("permute: order ", order, " has not one entry per axis of ", shape());
  Shape sizes = shape(), steps = strides(), inverse = Shape::filled(dim(), -1);
  for (int i = 0; i < dim(); ++i) {
    const int axis = normalize_axis("permute", order[i], dim());
    if (inverse[axis] != -1) fail<ShapeError>("permute: axis ", axis, " appears twice in ", order);
    inverse[axis] = i;
    sizes[i] = shape()[axis];
    steps[i] = strides()[axis];
  }
  return detail::record_whole("permute", *this, as_strided(sizes, steps, 0),
                              [inverse](const Tensor& dy) { return dy.permute(inverse); });
}

template <class T>
Tensor<T> Tensor<T>::expand(const Shape& target) const {
  Shape sizes = target;
  const int extra = sizes.rank() - dim();
  bool fits = extra >= 0;
  for (int i = 0; i < sizes.rank() && fits; ++i) {
    const Index from = i >= extra ? shape()[i - extra] : 1;
    if (sizes[i] == -1 && i >= extra) sizes[i] = from;
    fits = sizes[i] >= 0 && (from == 1 || from == sizes[i]);
  }
  if (!fits) fail<ShapeError>("expand: shape ", shape(), " does not stretch to ", target);
  if (!is_countable(sizes)) fail<ShapeError>("expand: too many elements in ", target);
  if (sizes == shape()) return *this;
  Tensor y = as_strided(sizes, broadcast_strides(shape(), strides(), sizes), 0);
  if constexpr (Real<T>)
    return record("expand", std::move(y), {*this},
                  [from = shape()](const Tensor& dy, Grads& dx) { dx.add(0, sum_to(dy, from)); });
  else
    return y;
}

template <class T>
Tensor<T> Tensor<T>::slice(Index axis, Index begin, Index end, Index step) const {
  const int a = normalize_axis("slice", axis, dim());
  if (dim() == 0) fail<ShapeError>("slice: a scalar has no axis to slice");
  if (step <= 0) fail<IndexError>("slice: step ", step, " is not positive");
  const Index n = shape()[a];
  auto clamp = [n](Index i) { return (std::min)((std::max)(i < 0 ? i + n : i, Index{0}), n); };
  const Index first = clamp(begin), last = (std::max)(clamp(end), first);
  Shape sizes = shape(), steps = strides();
  sizes[a] = first < last ? (last - first - 1) / step + 1 : 0;
  const Index offset = sizes.numel() > 0 ? first * steps[a] : 0;
  if (sizes[a] > 1) steps[a] *= step;  // a step beyond the axis is taken nowhere, and might overflow
  return detail::record_part("slice", *this, as_strided(sizes, steps, offset),
                             [a, first, last, step](const Tensor& x) { return x.slice(a, first, last, step); });
}

template <class T>
Tensor<T> Tensor<T>::select(Index axis, Index index) const {
  const int a = normalize_axis("select", axis, dim());
  if (dim() == 0) fail<ShapeError>("select: a scalar has no axis to select from");
  const Index n = shape()[a];
  if (index < -n || index >= n)
    fail<IndexError>("select: index ", index, " is out of range for axis ", a, " of shape ", shape());
  const Index i = index < 0 ? index + n : index;
  Shape sizes = shape(), steps = strides();
  const Index offset = i * steps[a];
  sizes.erase(a);
  steps.erase(a);
  return detail::record_part("select", *this, as_strided(sizes, steps, offset),
                             [a, i](const Tensor& x) { return x.select(a, i); });
}

template <class T>
Tensor<T> Tensor<T>::narrow(Index axis, Index start, Index length) const {
  const int a = normalize_axis("narrow", axis, dim());
  const Index n = dim() > 0 ? shape()[a] : 0;
  const Index first = start < 0 ? start + n : start;
  if (first < 0 || first > n || length < 0 || length > n - first)
    fail<IndexError>("narrow: ", length, " positions from ", start, " leave axis ", a, " of shape ", shape());
  return slice(a, first, first + length);
}

template <class T>
Tensor<T> Tensor<T>::squeeze(Index axis) const {
  const int a = normalize_axis("squeeze", axis, dim());
  if (dim() == 0 || shape()[a] != 1) return *this;
  Shape sizes = shape();
  sizes.erase(a);
  return view(sizes);
}

template <class T>
Tensor<T> Tensor<T>::squeeze() const {
  Shape sizes;
  for (Index s : shape())
    if (s != 1) sizes.push_back(s);
  return sizes.rank() == dim() ? *this : view(sizes);
}

template <class T>
Tensor<T> Tensor<T>::unsqueeze(Index axis) const {
  const int a = normalize_axis("unsqueeze", axis, dim() + 1);
  Shape sizes = shape();
  sizes.insert(a, 1);
  return view(sizes);
}

template <class T>
Tensor<T> Tensor<T>::flatten(Index start, Index end) const {
  const int a = normalize_axis("flatten", start, dim()), b = normalize_axis("flatten", end, dim());
  if (a > b) fail<IndexError>("flatten: start axis ", a, " comes after end axis ", b);
  if (dim() == 0) return view({1});
  Shape sizes;
  for (int i = 0; i < dim(); ++i) {
    if (i > a && i <= b)
      sizes[a] *= shape()[i];
    else
      sizes.push_back(shape()[i]);
  }
  return reshape(sizes);
}

template <class T>
Tensor<T> Tensor<T>::contiguous() const {
  return is_contiguous() ? *this : clone();
}

template <class T>
Tensor<T> Tensor<T>::clone() const {
  ProfileScope scope("clone");
  if (scope) scope.bytes(sizeof(T), {numel(), numel()});
  Tensor y = uninitialized(shape());
  kernels::copy(kernels::make_loop<2>(shape(), {y.strides(), strides()}), y.data(), data());
  return detail::record_whole("clone", *this, std::move(y), [](const Tensor& dy) { return dy; });
}

}  // namespace gloss::inline GLOSS_ABI
