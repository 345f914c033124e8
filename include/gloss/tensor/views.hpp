// The view members of Tensor: new sizes and strides over the same memory. Each backward is the same step in reverse.
#pragma once

#include <gloss/kernels/reduce.hpp>
#include <gloss/tensor/record.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// The reduction of a tensor to `target`, from which broadcasting stretched it.
GLOSS_NOINLINE inline kernels::Reduction reduction_to(const Shape& shape, const Shape& strides, const Shape& target) {
  const int extra = shape.rank() - target.rank();
  bool is_reduced[max_rank] = {};
  for (int axis = 0; axis < shape.rank(); ++axis)
    is_reduced[axis] = axis < extra || (target[axis - extra] == 1 && shape[axis] != 1);
  return {shape, strides, is_reduced};
}
}  // namespace detail

/// Sums over the axes along which broadcasting stretched a tensor of `shape` to x: the backward of expand and of every
/// op that broadcasts.
/// Shape: x, broadcast from shape -> shape
template <Real T>
Tensor<T> sum_to(const Tensor<T>& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Tensor<T> y = Tensor<T>::uninitialized(shape);
  ProfileScope scope("sum_to");
  if (scope) scope.bytes(sizeof(T), {x.numel(), y.numel()});
  kernels::reduce(detail::reduction_to(x.shape(), x.strides(), shape), static_cast<const T*>(x.data()), y.data(), T{0},
                  kernels::Plus{});
  return record("sum_to", y, {x}, [from = x.shape()](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy.expand(from)); });
}

namespace detail {

/// x keeps its memory and takes over the value and the node of y. Nothing here can fail.
template <class T>
GLOSS_NOINLINE void become(const char* name, const Tensor<T>& x, const Tensor<T>& y) {
  kernels::copy(kernels::make_loop<2>(x.shape(), {x.strides(), y.strides()}), x.data(),
                static_cast<const T*>(y.data()));
  x.mark_changed(name);
  x.take_node(y);
}

template <class T>
GLOSS_NOINLINE void record_overwrite(const char* op, const Tensor<T>& x, const Tensor<T>* source, T value) {
  const GraphInput input(source ? *source : Tensor<T>{});
  Tensor<T> y = source ? source->detach().expand(x.shape()).clone() : Tensor<T>::uninitialized(x.shape());
  if (!source) y.fill_(value);
  become(op, x,
         record_on(
             op, std::move(y), &input, 1,
             [shape = source ? source->shape() : Shape{}](const Tensor<T>& dy, Grads& dx) {
               if (dx.needs(0)) dx.add(0, sum_to(dy, shape));
             },
             true));
}

/// A recorded change in place to y = op(old), where old stands for what x was. If op saves old, old gets memory of its
/// own.
template <class T, class Op>
GLOSS_NOINLINE void record_in_place(const char* name, const Tensor<T>& x, Op op) {
  const Tensor<T> old = x.alias_with_node();
  const Tensor<T> y = op(old);
  old.keep_if_saved();
  become(name, x, y);
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

// How a view reads memory follows from the shape and strides of a tensor alone: it is compiled once for all types of
// elements.

/// Where the elements of a view stand, from the first element of its source.
struct Layout {
  Shape shape, strides;
  Index offset = 0;
};

/// Whether `target`, with its -1 inferred, can be read from this memory; `out` tells how.
GLOSS_NOINLINE inline bool view_layout(const char* op, const Shape& shape, const Shape& strides, const Shape& target,
                                       Layout& out) {
  out.shape = infer_size(op, shape, target);
  return view_strides(shape, strides, out.shape, out.strides);
}

/// A view that reads a part: what makes its layout of a tensor's and of numbers. So one function records them all.
struct Part {
  Layout (*layout)(const Shape& shape, const Shape& strides, const Index* numbers);
  Index numbers[4];
};

inline Layout slice_layout(const Shape& shape, const Shape& strides, const Index* numbers) {
  const Index axis = numbers[0], begin = numbers[1], end = numbers[2], step = numbers[3];
  const int a = normalize_axis("slice", axis, shape.rank());
  if (shape.rank() == 0) fail<ShapeError>("slice: a scalar has no axis to slice");
  if (step <= 0) fail<IndexError>("slice: step ", step, " is not positive");
  const Index n = shape[a];
  const auto clamp = [n](Index i) { return (std::min)((std::max)(i < 0 ? i + n : i, Index{0}), n); };
  const Index first = clamp(begin), last = (std::max)(clamp(end), first);
  Layout y{shape, strides};
  y.shape[a] = first < last ? (last - first - 1) / step + 1 : 0;
  y.offset = y.shape.numel() > 0 ? first * strides[a] : 0;
  if (y.shape[a] > 1) y.strides[a] *= step;  // a step beyond the axis is taken nowhere, and might overflow
  return y;
}

inline Layout select_layout(const Shape& shape, const Shape& strides, const Index* numbers) {
  const Index index = numbers[1];
  const int a = normalize_axis("select", numbers[0], shape.rank());
  if (shape.rank() == 0) fail<ShapeError>("select: a scalar has no axis to select from");
  const Index n = shape[a];
  if (index < -n || index >= n)
    fail<IndexError>("select: index ", index, " is out of range for axis ", a, " of shape ", shape);
  Layout y{shape, strides, (index < 0 ? index + n : index) * strides[a]};
  y.shape.erase(a);
  y.strides.erase(a);
  return y;
}

GLOSS_NOINLINE inline Index narrow_start(const Shape& shape, int axis, Index start, Index length) {
  const Index n = shape.rank() > 0 ? shape[axis] : 0;
  const Index first = start < 0 ? start + n : start;
  if (first < 0 || first > n || length < 0 || length > n - first)
    fail<IndexError>("narrow: ", length, " positions from ", start, " leave axis ", axis, " of shape ", shape);
  return first;
}

GLOSS_NOINLINE inline Layout transposed(const Shape& shape, const Shape& strides, Index axis0, Index axis1) {
  const int a = normalize_axis("transpose", axis0, shape.rank()), b = normalize_axis("transpose", axis1, shape.rank());
  Layout y{shape, strides};
  std::swap(y.shape[a], y.shape[b]);
  std::swap(y.strides[a], y.strides[b]);
  return y;
}

GLOSS_NOINLINE inline Layout permuted(const Shape& shape, const Shape& strides, const Shape& order, Shape& inverse) {
  const int rank = shape.rank();
  if (order.rank() != rank) fail<ShapeError>("permute: order ", order, " has not one entry per axis of ", shape);
  Layout y{shape, strides};
  inverse = Shape::filled(rank, -1);
  for (int i = 0; i < rank; ++i) {
    const int axis = normalize_axis("permute", order[i], rank);
    if (inverse[axis] != -1) fail<ShapeError>("permute: axis ", axis, " appears twice in ", order);
    inverse[axis] = i;
    y.shape[i] = shape[axis];
    y.strides[i] = strides[axis];
  }
  return y;
}

GLOSS_NOINLINE inline Layout expanded(const Shape& shape, const Shape& strides, const Shape& target) {
  Layout y{target, {}};
  const int extra = target.rank() - shape.rank();
  bool fits = extra >= 0;
  for (int i = 0; i < target.rank() && fits; ++i) {
    const Index from = i >= extra ? shape[i - extra] : 1;
    Index& size = y.shape[i];
    if (size == -1 && i >= extra) size = from;
    fits = size >= 0 && (from == 1 || from == size);
  }
  if (!fits) fail<ShapeError>("expand: shape ", shape, " does not stretch to ", target);
  if (!is_countable(y.shape)) fail<ShapeError>("expand: too many elements in ", target);
  y.strides = broadcast_strides(shape, strides, y.shape);
  return y;
}

GLOSS_NOINLINE inline Shape squeezed(const Shape& shape, Index axis) {
  const int a = normalize_axis("squeeze", axis, shape.rank());
  Shape y = shape;
  if (shape.rank() > 0 && shape[a] == 1) y.erase(a);
  return y;
}
GLOSS_NOINLINE inline Shape unsqueezed(const Shape& shape, Index axis) {
  Shape y = shape;
  y.insert(normalize_axis("unsqueeze", axis, shape.rank() + 1), 1);
  return y;
}
GLOSS_NOINLINE inline Shape flattened(const Shape& shape, Index start, Index end) {
  const int a = normalize_axis("flatten", start, shape.rank()), b = normalize_axis("flatten", end, shape.rank());
  if (a > b) fail<IndexError>("flatten: start axis ", a, " comes after end axis ", b);
  if (shape.rank() == 0) return {1};
  Shape y;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > a && i <= b)
      y[a] *= shape[i];
    else
      y.push_back(shape[i]);
  }
  return y;
}

template <class T>
Tensor<T> embed(const char* op, const Tensor<T>& dy, const Shape& shape, const Part& part);

/// The view of a part of x, recorded.
template <class T>
GLOSS_NOINLINE Tensor<T> take_part(const char* op, const Tensor<T>& x, const Part& part) {
  const Layout layout = part.layout(x.shape(), x.strides(), part.numbers);
  Tensor<T> y = x.as_strided(layout.shape, layout.strides, layout.offset);
  if constexpr (Real<T>)
    return record(op, std::move(y), {x}, [op, shape = x.shape(), part](const Tensor<T>& dy, Grads& dx) {
      dx.add(0, embed(op, dy, shape, part));
    });
  else
    return y;
}

/// Zeros of `shape` with dy where the part stands: the gradient of such a view.
template <class T>
Tensor<T> embed(const char* op, const Tensor<T>& dy, const Shape& shape, const Part& part) {
  Tensor<T> x = Tensor<T>::uninitialized(shape).zero_();
  {
    NoGradGuard no_grad;
    take_part(op, x, part).copy_(dy);
  }
  return record("embed", x, {dy}, [op, part](const Tensor<T>& dx, Grads& ddy) { ddy.add(0, take_part(op, dx, part)); });
}

/// The view of all of x that this layout gives, recorded; `back` turns it into x's shape again.
template <class T, class Back>
Tensor<T> take_whole(const char* op, const Tensor<T>& x, const Layout& layout, Back back) {
  Tensor<T> y = x.as_strided(layout.shape, layout.strides, 0);
  if constexpr (Real<T>)
    return record(op, std::move(y), {x}, [back](const Tensor<T>& dy, Grads& dx) { dx.add(0, back(dy)); });
  else
    return y;
}
template <class T>
GLOSS_NOINLINE Tensor<T> take_view(const Tensor<T>& x, const Layout& layout) {
  return take_whole("view", x, layout, [from = x.shape()](const Tensor<T>& dy) { return dy.reshape(from); });
}

}  // namespace detail

template <class T>
Tensor<T> Tensor<T>::view(Shape target) const {
  detail::Layout to;
  if (!detail::view_layout("view", shape(), strides(), target, to))
    fail<ShapeError>("view: shape ", shape(), " with strides ", strides(), " cannot be read as ", to.shape,
                     "; use reshape");
  return detail::take_view(*this, to);
}

template <class T>
Tensor<T> Tensor<T>::reshape(const Shape& shape) const {
  detail::Layout to;
  return detail::view_layout("reshape", this->shape(), strides(), shape, to) ? detail::take_view(*this, to)
                                                                             : clone().view(to.shape);
}

template <class T>
Tensor<T> Tensor<T>::transpose(Index axis0, Index axis1) const {
  const detail::Layout to = detail::transposed(shape(), strides(), axis0, axis1);
  if (dim() == 0) return *this;
  return detail::take_whole("transpose", *this, to,
                            [axis0, axis1](const Tensor& dy) { return dy.transpose(axis0, axis1); });
}

template <class T>
Tensor<T> Tensor<T>::permute(const Shape& order) const {
  Shape inverse;
  const detail::Layout to = detail::permuted(shape(), strides(), order, inverse);
  return detail::take_whole("permute", *this, to, [inverse](const Tensor& dy) { return dy.permute(inverse); });
}

template <class T>
Tensor<T> Tensor<T>::expand(const Shape& target) const {
  const detail::Layout to = detail::expanded(shape(), strides(), target);
  if (to.shape == shape()) return *this;
  return detail::take_whole("expand", *this, to, [from = shape()](const auto& dy) { return sum_to(dy, from); });
}

template <class T>
Tensor<T> Tensor<T>::slice(Index axis, Index begin, Index end, Index step) const {
  return detail::take_part("slice", *this, {detail::slice_layout, {axis, begin, end, step}});
}

template <class T>
Tensor<T> Tensor<T>::select(Index axis, Index index) const {
  return detail::take_part("select", *this, {detail::select_layout, {axis, index}});
}

template <class T>
Tensor<T> Tensor<T>::narrow(Index axis, Index start, Index length) const {
  const int a = normalize_axis("narrow", axis, dim());
  const Index first = detail::narrow_start(shape(), a, start, length);
  return slice(a, first, first + length);
}

template <class T>
Tensor<T> Tensor<T>::squeeze(Index axis) const {
  const Shape to = detail::squeezed(shape(), axis);
  return to.rank() == dim() ? *this : view(to);
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
  return view(detail::unsqueezed(shape(), axis));
}

template <class T>
Tensor<T> Tensor<T>::flatten(Index start, Index end) const {
  return reshape(detail::flattened(shape(), start, end));
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
  if constexpr (Real<T>)
    return record("clone", std::move(y), {*this}, [](const Tensor& dy, Grads& dx) { dx.add(0, dy); });
  else
    return y;
}

}  // namespace gloss::inline GLOSS_ABI
