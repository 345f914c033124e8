// Convolutions over sequences and images
#pragma once

#include <string_view>

#include <gloss/kernels/conv.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/ops/window_options.hpp>
#include <gloss/tensor/saved_input.hpp>

namespace gloss::inline GLOSS_ABI {

/// Zeros around the input of a convolution: a number, a pair, "valid" (none) or "same" (so many that the size stays;
/// one more behind where the number is odd).
/// Errors: Error for another word.
class ConvPadding {
 public:
  enum Kind : unsigned char { numbers, same, valid };
  template <std::integral Int>
  constexpr ConvPadding(Int both) : size_(both) {}
  constexpr ConvPadding(Index height, Index width) : size_(height, width) {}
  constexpr ConvPadding(Pair size) : size_(size) {}
  constexpr ConvPadding(const char* word) : size_(0), kind_(parse(word)) {}
  constexpr Kind kind() const { return kind_; }
  constexpr Pair size() const { return size_; }
  /// Before and after an axis: number is its own.
  constexpr Pair around(Index number, Index kernel, Index dilation) const {
    const Index total = dilation * (kernel - 1);
    return kind_ == same ? Pair(total / 2, total - total / 2) : Pair(number);
  }

 private:
  static constexpr Kind parse(std::string_view word) {
    if (word == "same") return same;
    if (word != "valid") fail("conv: padding '", word, "' is neither 'same' nor 'valid'");
    return valid;
  }
  Pair size_;
  Kind kind_ = numbers;
};

struct Conv1dOptions {
  Index stride = 1;
  ConvPadding padding = 0;
  Index dilation = 1;
  Index groups = 1;
};

struct Conv2dOptions {
  Pair stride = 1;
  ConvPadding padding = 0;
  Pair dilation = 1;
  Index groups = 1;
};

namespace detail {

template <Real T>
Tensor<T> conv_weight_gradient(const kernels::Conv& c, const Shape& shape, const Tensor<T>& x, const Tensor<T>& dy);
template <Real T>
Tensor<T> conv_input_gradient(const kernels::Conv& c, const Shape& shape, const Tensor<T>& dy, const Tensor<T>& weight);

/// What the profile is told of a pass.
inline void conv_profile(ProfileScope& scope, const kernels::Conv& c, std::size_t size) {
  if (!scope) return;
  scope.flops({2, c.batch, c.y_image(), c.depth()});
  scope.bytes(size, {c.batch * c.x_image(), c.weights(), c.batch * c.y_image()});
}

/// y = x * weight + bias of this shape. x, weight and y are differentiated by the three passes in turn, so that there
/// are derivatives of every order.
template <Real T>
Tensor<T> conv(const char* op, const kernels::Conv& c, const Shape& shape, const Tensor<T>& x, const Tensor<T>& weight,
               const Tensor<T>& bias) {
  Tensor<T> y = empty<T>(shape);
  if (y.numel() > 0) {
    ProfileScope scope(op);
    conv_profile(scope, c, sizeof(T));
    const Tensor<T> cells = x.detach().contiguous(), factors = weight.detach().contiguous();
    const Tensor<T> start = dense_or_none(bias);
    Tensor<T> scratch = empty<T>({kernels::conv_scratch<T>(c)});
    kernels::conv_forward(c, static_cast<const T*>(cells.data()), static_cast<const T*>(factors.data()),
                          read_or_null(start), y.data(), scratch.data());
  }
  return record(op, std::move(y), {x, weight, bias},
                [c, shape_x = x.shape(), shape_w = weight.shape(), p = SavedInput<T>(x, weight.requires_grad()),
                 w = weight.only_if(x.requires_grad())](const Tensor<T>& dy, Grads& dx) {
                  if (dx.needs(0)) dx.add(0, conv_input_gradient(c, shape_x, dy, w));
                  if (dx.needs(1)) dx.add(1, conv_weight_gradient(c, shape_w, p.get(dx, 0), dy));
                  if (!dx.needs(2)) return;
                  const Index channels = c.groups * c.outs;
                  if (is_grad_enabled()) return dx.add(2, sum(dy.reshape({c.batch, channels, c.places()}), {0, 2}));
                  Tensor<T> db = empty<T>({channels});
                  kernels::conv_bias_gradient(c, static_cast<const T*>(dy.contiguous().data()), db.data());
                  dx.add(2, std::move(db));
                });
}

template <Real T>
Tensor<T> conv_input_gradient(const kernels::Conv& c, const Shape& shape, const Tensor<T>& dy,
                              const Tensor<T>& weight) {
  Tensor<T> dx = dy.numel() > 0 ? empty<T>(shape) : zeros<T>(shape);
  if (dy.numel() > 0 && dx.numel() > 0) {
    ProfileScope scope("conv_input_gradient");
    conv_profile(scope, c, sizeof(T));
    const Tensor<T> g = dy.detach().contiguous(), factors = weight.detach().contiguous();
    Tensor<T> scratch = empty<T>({kernels::conv_input_gradient_scratch<T>(c)});
    kernels::conv_input_gradient(c, static_cast<const T*>(g.data()), static_cast<const T*>(factors.data()), dx.data(),
                                 scratch.data());
  }
  return record("conv_input_gradient", std::move(dx), {dy, weight},
                [c, shape_y = dy.shape(), shape_w = weight.shape(), g = dy.only_if(weight.requires_grad()),
                 w = weight.only_if(dy.requires_grad())](const Tensor<T>& ddx, Grads& grads) {
                  if (grads.needs(0)) grads.add(0, conv("conv", c, shape_y, ddx, w, Tensor<T>{}));
                  if (grads.needs(1)) grads.add(1, conv_weight_gradient(c, shape_w, ddx, g));
                });
}

template <Real T>
Tensor<T> conv_weight_gradient(const kernels::Conv& c, const Shape& shape, const Tensor<T>& x, const Tensor<T>& dy) {
  Tensor<T> dw = dy.numel() > 0 ? empty<T>(shape) : zeros<T>(shape);
  if (dy.numel() > 0 && dw.numel() > 0) {
    ProfileScope scope("conv_weight_gradient");
    conv_profile(scope, c, sizeof(T));
    const Tensor<T> cells = x.detach().contiguous(), g = dy.detach().contiguous();
    Tensor<T> scratch = empty<T>({kernels::conv_weight_gradient_scratch<T>(c)});
    kernels::conv_weight_gradient(c, static_cast<const T*>(cells.data()), static_cast<const T*>(g.data()), dw.data(),
                                  scratch.data());
  }
  return record("conv_weight_gradient", std::move(dw), {x, dy},
                [c, shape_x = x.shape(), shape_y = dy.shape(), p = x.only_if(dy.requires_grad()),
                 g = dy.only_if(x.requires_grad())](const Tensor<T>& ddw, Grads& grads) {
                  if (grads.needs(0)) grads.add(0, conv_input_gradient(c, shape_x, g, ddw));
                  if (grads.needs(1)) grads.add(1, conv("conv", c, shape_y, p, ddw, Tensor<T>{}));
                });
}

/// conv1d and conv2d after their shapes: axes is how many the windows move along.
template <Real T>
Tensor<T> conv_over(const char* op, int axes, const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias,
                    const Conv2dOptions& options) {
  const Index groups = options.groups;
  const ConvPadding& padding = options.padding;
  if (weight.dim() != axes + 2) fail<ShapeError>(op, ": weight ", weight.shape(), " has not ", axes + 2, " axes");
  if (x.dim() != axes + 1 && x.dim() != axes + 2)
    fail<ShapeError>(op, ": x ", x.shape(), " has neither ", axes + 2, " axes nor, without a batch, ", axes + 1);
  if (groups < 1) fail<ShapeError>(op, ": groups ", groups, " is not positive");
  const Index outs = weight.size(0), channels = x.size(-1 - axes);
  if (outs < groups || outs % groups != 0)
    fail<ShapeError>(op, ": weight ", weight.shape(), " cannot be split into ", groups, " groups");
  if (channels % groups != 0 || channels / groups != weight.size(1))
    fail<ShapeError>(op, ": x ", x.shape(), " has ", channels, " channels, weight ", weight.shape(), " with ", groups,
                     groups == 1 ? " group" : " groups", " wants ", weight.size(1) * groups);
  if (bias.defined() && bias.shape() != Shape{outs})
    fail<ShapeError>(op, ": bias ", bias.shape(), " does not match the ", outs, " channels of weight ", weight.shape());
  if (padding.kind() == ConvPadding::same && options.stride != Pair(1))
    fail<ShapeError>(op, ": padding 'same' wants stride 1");
  if (axes == 1 && padding.size().h != padding.size().w)
    fail<ShapeError>(op, ": padding ", padding.size().h, ", ", padding.size().w, " is for two axes");
  kernels::Conv c;
  c.batch = x.dim() == axes + 2 ? x.size(0) : 1;
  c.groups = groups;
  c.ins = weight.size(1);
  c.outs = outs / groups;
  const auto window = [&](Index in, Index kernel, Index stride, Index number, Index dilation) {
    if (kernel < 1) fail<ShapeError>(op, ": weight ", weight.shape(), " has no taps");
    const Pair around = padding.around(number, kernel, dilation);
    return make_window(op, in, kernel, stride, around.h, around.w, dilation);
  };
  if (axes == 2) c.h = window(x.size(-2), weight.size(2), options.stride.h, padding.size().h, options.dilation.h);
  c.w = window(x.size(-1), weight.size(-1), options.stride.w, padding.size().w, options.dilation.w);
  Shape shape = x.shape();
  shape[shape.rank() - 1 - axes] = outs;
  if (axes == 2) shape[shape.rank() - 2] = c.h.out;
  shape[shape.rank() - 1] = c.w.out;
  return conv(op, c, shape, x, weight, bias);
}

}  // namespace detail

/// y[o, t] = bias[o] + sum over i, k of weight[o, i, k] x[i, stride t + dilation k - padding], zeros beyond the ends;
/// with groups, channels are split and each part of y sees its part of x.
/// Shape: x [n, in, length] or [in, length], weight [out, in / groups, k], bias [out] or undefined -> [n, out, l] with
/// l = floor((length + 2 padding - dilation (k - 1) - 1) / stride) + 1
/// Errors: ShapeError when sizes do not fit, the kernel is larger than the padded input, or a number is out of its
/// range.
/// Backward: dx = dy * the turned weight, dweight = sum of dy x, dbias = sum of dy; x and weight are saved.
/// PyTorch: torch.nn.functional.conv1d
template <Real T>
Tensor<T> conv1d(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias = {}, Conv1dOptions options = {}) {
  return detail::conv_over("conv1d", 1, x, weight, bias,
                           {options.stride, options.padding, options.dilation, options.groups});
}

/// y[o, s, t] = bias[o] + sum over i, j, k of weight[o, i, j, k] x[i, stride s + dilation j - padding, stride t +
/// dilation k - padding], zeros beyond the edges.
/// Shape: x [n, in, h, w] or [in, h, w], weight [out, in / groups, kh, kw], bias [out] or undefined -> [n, out, h', w']
/// with sizes as in conv1d
/// Errors: ShapeError as conv1d.
/// Backward: as conv1d.
/// PyTorch: torch.nn.functional.conv2d
template <Real T>
Tensor<T> conv2d(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias = {}, Conv2dOptions options = {}) {
  return detail::conv_over("conv2d", 2, x, weight, bias, options);
}

}  // namespace gloss::inline GLOSS_ABI
