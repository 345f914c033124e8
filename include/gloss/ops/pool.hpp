// Pooling: the largest or the mean of windows that slide, or of as many parts as are asked for
#pragma once

#include <optional>

#include <gloss/kernels/pool.hpp>
#include <gloss/ops/gather.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/window_options.hpp>

namespace gloss::inline GLOSS_ABI {

struct MaxPool1dOptions {
  std::optional<Index> stride = {};  // the kernel's size unless given
  Index padding = 0;                 // with cells that are never the largest
  Index dilation = 1;
  bool ceil_mode = false;  // a last window may go over the end
};

struct MaxPool2dOptions {
  std::optional<Pair> stride = {};
  Pair padding = 0;
  Pair dilation = 1;
  bool ceil_mode = false;
};

struct AvgPool1dOptions {
  std::optional<Index> stride = {};
  Index padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  // whether the border's zeros count as cells
};

struct AvgPool2dOptions {
  std::optional<Pair> stride = {};
  Pair padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::optional<Index> divisor_override = {};  // what every sum is divided by
};

/// The height and width that adaptive pooling gives; none: the input's.
struct AdaptiveSize {
  std::optional<Index> h, w;
  template <std::integral Int>
  constexpr AdaptiveSize(Int both) : h(static_cast<Index>(both)), w(static_cast<Index>(both)) {}
  constexpr AdaptiveSize(std::optional<Index> height, std::optional<Index> width) : h(height), w(width) {}
};

namespace detail {

/// The planes of x, whose last `axes` axes are pooled.
inline Index pool_planes(const char* op, int axes, const Shape& shape) {
  if (shape.rank() != axes + 1 && shape.rank() != axes + 2)
    fail<ShapeError>(op, ": x ", shape, " has neither ", axes + 2, " axes nor, without a batch, ", axes + 1);
  for (int axis = shape.rank() == axes + 2; axis < shape.rank(); ++axis)
    if (shape[axis] == 0) fail<ShapeError>(op, ": x ", shape, " has an empty axis besides the batch");
  Index planes = 1;
  for (int axis = 0; axis + axes < shape.rank(); ++axis) planes *= shape[axis];
  return planes;
}
inline Shape pool_shape(const Shape& shape, int axes, Index h, Index w) {
  Shape y = shape;
  y[y.rank() - 1] = w;
  if (axes == 2) y[y.rank() - 2] = h;
  return y;
}
inline kernels::Pool make_pool(const char* op, int axes, const Shape& shape, Pair kernel, std::optional<Pair> stride,
                               Pair padding, Pair dilation, bool ceil_mode) {
  kernels::Pool p;
  p.planes = pool_planes(op, axes, shape);
  const Pair step = stride.value_or(kernel);
  const auto window = [&](Index in, Index k, Index s, Index pad, Index d) {
    kernels::Window w = make_window(op, in, k, s, pad, pad, d, ceil_mode);
    if (pad > ((k - 1) * d + 1) / 2)
      fail<ShapeError>(op, ": padding ", pad, " is more than half of a kernel of ", k,
                       d > 1 ? " with dilation " + std::to_string(d) : "");
    return w;
  };
  if (axes == 2) p.h = window(shape[shape.rank() - 2], kernel.h, step.h, padding.h, dilation.h);
  p.w = window(shape[shape.rank() - 1], kernel.w, step.w, padding.w, dilation.w);
  if (p.h.in > (Index{1} << 30) / p.w.in) fail<ShapeError>(op, ": a plane of x ", shape, " is too large");
  return p;
}

/// y and, where it is asked for or needed for the way back, the position of each of its elements in x's plane.
template <Real T>
ValuesIndices<T> record_max_pool(const char* op, int axes, const Tensor<T>& x, Tensor<T> y,
                                 Tensor<std::int64_t> index) {
  if (!index.defined()) return {y, index};
  Tensor<T> recorded = record(op, std::move(y), {x}, [index, axes, shape = x.shape()](const Tensor<T>& dy, Grads& dx) {
    Index places = 1, cells = 1;
    for (int axis = 1; axis <= axes; ++axis) places *= dy.size(-axis), cells *= shape[shape.rank() - axis];
    const Index planes = dy.numel() / places;
    Tensor<T> d = empty<T>(shape);
    kernels::max_pool_backward(planes, cells, places, static_cast<const T*>(dy.detach().contiguous().data()),
                               static_cast<const std::int64_t*>(index.data()), d.data());
    dx.add(0, record("max_pool_backward", std::move(d), {dy},
                     [index, planes, places, cells, shape_y = dy.shape()](const Tensor<T>& ddx, Grads& ddy) {
                       ddy.add(0, gather(ddx.reshape({planes, cells}), 1, index.view({planes, places})).view(shape_y));
                     }));
  });
  return {recorded, index};
}

template <Real T>
ValuesIndices<T> max_pool(const char* op, int axes, const Tensor<T>& x, Pair kernel, const MaxPool2dOptions& options,
                          bool with_index) {
  const kernels::Pool p =
      make_pool(op, axes, x.shape(), kernel, options.stride, options.padding, options.dilation, options.ceil_mode);
  ProfileScope scope(op);
  const Shape shape = pool_shape(x.shape(), axes, p.h.out, p.w.out);
  Tensor<T> y = empty<T>(shape);
  Tensor<std::int64_t> index;
  if (with_index || will_record({x})) index = empty<std::int64_t>(shape);
  if (scope) scope.bytes(sizeof(T), {x.numel(), y.numel()});
  const Tensor<T> cells = x.detach().contiguous();
  if (y.numel() > 0) kernels::max_pool_forward(p, static_cast<const T*>(cells.data()), y.data(), write_or_null(index));
  return record_max_pool(op, axes, x, y, index);
}

template <Real T>
Tensor<T> avg_pool(const char* op, const kernels::Pool& p, const kernels::AverageRule& rule, const Shape& shape,
                   const Tensor<T>& x);
template <Real T>
Tensor<T> avg_pool_backward(const kernels::Pool& p, const kernels::AverageRule& rule, const Shape& shape,
                            const Tensor<T>& dy) {
  Tensor<T> dx = empty<T>(shape);
  if (dx.numel() > 0)
    kernels::avg_pool_backward(p, rule, static_cast<const T*>(dy.detach().contiguous().data()), dx.data());
  return record("avg_pool_backward", std::move(dx), {dy},
                [p, rule, shape_y = dy.shape()](const Tensor<T>& ddx, Grads& ddy) {
                  ddy.add(0, avg_pool("avg_pool", p, rule, shape_y, ddx));
                });
}
template <Real T>
Tensor<T> avg_pool(const char* op, const kernels::Pool& p, const kernels::AverageRule& rule, const Shape& shape,
                   const Tensor<T>& x) {
  ProfileScope scope(op);
  Tensor<T> y = empty<T>(shape);
  if (scope) scope.bytes(sizeof(T), {x.numel(), y.numel()});
  if (y.numel() > 0)
    kernels::avg_pool_forward(p, rule, static_cast<const T*>(x.detach().contiguous().data()), y.data());
  return record(op, std::move(y), {x}, [p, rule, shape_x = x.shape()](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, avg_pool_backward(p, rule, shape_x, dy));
  });
}
template <Real T>
Tensor<T> avg_pool_over(const char* op, int axes, const Tensor<T>& x, Pair kernel, const AvgPool2dOptions& options) {
  const kernels::Pool p = make_pool(op, axes, x.shape(), kernel, options.stride, options.padding, 1, options.ceil_mode);
  if (options.divisor_override == 0) fail<ShapeError>(op, ": divisor_override is 0");
  return avg_pool(op, p, {options.count_include_pad, options.divisor_override.value_or(0)},
                  pool_shape(x.shape(), axes, p.h.out, p.w.out), x);
}

/// The parts of adaptive pooling, checked.
struct AdaptivePlan {
  Index planes;
  kernels::Parts h{1, 1}, w;
  Shape shape;

  AdaptivePlan(const char* op, int axes, const Shape& x, AdaptiveSize size) : planes(pool_planes(op, axes, x)) {
    const auto parts = [&](Index in, std::optional<Index> out) {
      if (out.value_or(1) < 1 || out.value_or(1) > (Index{1} << 30))
        fail<ShapeError>(op, ": output size ", *out, " is not positive");
      return kernels::Parts{in, out.value_or(in)};
    };
    if (axes == 2) h = parts(x[x.rank() - 2], size.h);
    w = parts(x[x.rank() - 1], size.w);
    shape = pool_shape(x, axes, h.out, w.out);
  }
};

template <Real T>
Tensor<T> adaptive_avg_pool(const char* op, const AdaptivePlan& plan, const Tensor<T>& x) {
  const kernels::Parts &h = plan.h, &w = plan.w;
  if (h.is_even() && w.is_even() && w.out > 1 && w.in < 4 * w.out) {  // small windows of one size, across vectors
    const auto window = [](const kernels::Parts& a) {
      return kernels::Window{a.in, a.out, a.in / a.out, a.in / a.out, 0, 1};
    };
    return avg_pool(op, {plan.planes, window(h), window(w)}, {}, plan.shape, x);
  }
  ProfileScope scope(op);
  Tensor<T> y = empty<T>(plan.shape);
  if (scope) scope.bytes(sizeof(T), {x.numel(), y.numel()});
  if (y.numel() > 0)
    kernels::adaptive_avg_pool_forward(plan.planes, h, w, static_cast<const T*>(x.detach().contiguous().data()),
                                       y.data());
  return record(op, std::move(y), {x}, [op, plan, shape = x.shape()](const Tensor<T>& dy, Grads& dx) {
    Tensor<T> d = empty<T>(shape);
    if (d.numel() > 0)
      kernels::adaptive_avg_pool_backward(plan.planes, plan.h, plan.w,
                                          static_cast<const T*>(dy.detach().contiguous().data()), d.data());
    dx.add(0, record("adaptive_avg_pool_backward", std::move(d), {dy},
                     [op, plan](const Tensor<T>& ddx, Grads& ddy) { ddy.add(0, adaptive_avg_pool(op, plan, ddx)); }));
  });
}

template <Real T>
ValuesIndices<T> adaptive_max_pool(const char* op, int axes, const Tensor<T>& x, AdaptiveSize size) {
  const AdaptivePlan plan(op, axes, x.shape(), size);
  ProfileScope scope(op);
  Tensor<T> y = empty<T>(plan.shape);
  Tensor<std::int64_t> index = empty<std::int64_t>(plan.shape);
  if (y.numel() > 0)
    kernels::adaptive_max_pool_forward(plan.planes, plan.h, plan.w,
                                       static_cast<const T*>(x.detach().contiguous().data()), y.data(), index.data());
  return record_max_pool(op, axes, x, y, index);
}

}  // namespace detail

/// The largest element of each window; NaN wins.
/// Shape: x [n, c, length] or [c, length] -> [n, c, l] with l = (length + 2 padding - dilation (kernel - 1) - 1) /
/// stride + 1, rounded down, or up with ceil_mode if the last window then begins inside
/// Errors: ShapeError for sizes and numbers out of their range, padding above half of the kernel, an empty axis.
/// Backward: dx = dy where the largest, the first of equals, stood.
/// PyTorch: torch.nn.functional.max_pool1d
template <Real T>
Tensor<T> max_pool1d(const Tensor<T>& x, Index kernel, MaxPool1dOptions options = {}) {
  const MaxPool2dOptions both{options.stride, options.padding, options.dilation, options.ceil_mode};
  return detail::max_pool("max_pool1d", 1, x, kernel, both, false).values;
}
/// max_pool1d with where each value stood. PyTorch: max_pool1d(..., return_indices=True)
template <Real T>
ValuesIndices<T> max_pool1d_with_indices(const Tensor<T>& x, Index kernel, MaxPool1dOptions options = {}) {
  const MaxPool2dOptions both{options.stride, options.padding, options.dilation, options.ceil_mode};
  return detail::max_pool("max_pool1d", 1, x, kernel, both, true);
}
/// The largest element of each window of images; NaN wins.
/// Shape: x [n, c, h, w] or [c, h, w] -> [n, c, h', w'], sizes as in max_pool1d
/// Errors: ShapeError as max_pool1d.
/// Backward: as max_pool1d.
/// PyTorch: torch.nn.functional.max_pool2d
template <Real T>
Tensor<T> max_pool2d(const Tensor<T>& x, Pair kernel, MaxPool2dOptions options = {}) {
  return detail::max_pool("max_pool2d", 2, x, kernel, options, false).values;
}
/// max_pool2d with where each value stood in its plane, row-major. PyTorch: max_pool2d(..., return_indices=True)
template <Real T>
ValuesIndices<T> max_pool2d_with_indices(const Tensor<T>& x, Pair kernel, MaxPool2dOptions options = {}) {
  return detail::max_pool("max_pool2d", 2, x, kernel, options, true);
}

/// The mean of each window: its sum over its size, with the border's zeros counted or not.
/// Shape: as max_pool1d
/// Errors: ShapeError as max_pool1d.
/// Backward: dx = the sum over the windows of an element of dy over their divisor.
/// PyTorch: torch.nn.functional.avg_pool1d
template <Real T>
Tensor<T> avg_pool1d(const Tensor<T>& x, Index kernel, AvgPool1dOptions options = {}) {
  const AvgPool2dOptions both{options.stride, options.padding, options.ceil_mode, options.count_include_pad, {}};
  return detail::avg_pool_over("avg_pool1d", 1, x, kernel, both);
}
/// The mean of each window of images, or its sum over divisor_override.
/// Shape: as max_pool2d
/// Errors: ShapeError as max_pool1d, and for a divisor of 0.
/// Backward: as avg_pool1d.
/// PyTorch: torch.nn.functional.avg_pool2d
template <Real T>
Tensor<T> avg_pool2d(const Tensor<T>& x, Pair kernel, AvgPool2dOptions options = {}) {
  return detail::avg_pool_over("avg_pool2d", 2, x, kernel, options);
}

/// The mean of each of `size` parts of the last axis; part i of n goes from floor(i length / size) to
/// ceil((i + 1) length / size).
/// Shape: x [n, c, length] or [c, length] -> [n, c, size]
/// Errors: ShapeError for a wrong number of axes, an empty axis or a size that is not positive.
/// Backward: dx = the sum over the parts of an element of dy over their size.
/// PyTorch: torch.nn.functional.adaptive_avg_pool1d
template <Real T>
Tensor<T> adaptive_avg_pool1d(const Tensor<T>& x, Index size) {
  const char* const op = "adaptive_avg_pool1d";
  return detail::adaptive_avg_pool(op, detail::AdaptivePlan(op, 1, x.shape(), size), x);
}
/// The mean of each of size.h x size.w parts of images; adaptive_avg_pool2d(x, 1) is global average pooling.
/// Shape: x [n, c, h, w] or [c, h, w] -> [n, c, size.h, size.w]; a size of {} is x's own
/// Errors: ShapeError as adaptive_avg_pool1d.
/// Backward: as adaptive_avg_pool1d.
/// PyTorch: torch.nn.functional.adaptive_avg_pool2d
template <Real T>
Tensor<T> adaptive_avg_pool2d(const Tensor<T>& x, AdaptiveSize size) {
  const char* const op = "adaptive_avg_pool2d";
  return detail::adaptive_avg_pool(op, detail::AdaptivePlan(op, 2, x.shape(), size), x);
}

/// The largest of each of `size` parts of the last axis, and where it stood; NaN wins.
/// Shape: as adaptive_avg_pool1d
/// Errors: ShapeError as adaptive_avg_pool1d.
/// Backward: as max_pool1d.
/// PyTorch: torch.nn.functional.adaptive_max_pool1d
template <Real T>
ValuesIndices<T> adaptive_max_pool1d(const Tensor<T>& x, Index size) {
  return detail::adaptive_max_pool("adaptive_max_pool1d", 1, x, size);
}
/// The largest of each of size.h x size.w parts of images, and where it stood in its plane.
/// Shape: as adaptive_avg_pool2d
/// Errors: ShapeError as adaptive_avg_pool1d.
/// Backward: as max_pool1d.
/// PyTorch: torch.nn.functional.adaptive_max_pool2d
template <Real T>
ValuesIndices<T> adaptive_max_pool2d(const Tensor<T>& x, AdaptiveSize size) {
  return detail::adaptive_max_pool("adaptive_max_pool2d", 2, x, size);
}

}  // namespace gloss::inline GLOSS_ABI
