// The convolution layer over images.
#pragma once

#include <gloss/nn/conv_layer.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct Conv2dOptions {
  Pair stride = 1;
  ConvPadding padding = 0;  // a number, a pair, "same" or "valid"
  Pair dilation = 1;
  Index groups = 1;
  bool bias = true;
  PaddingMode padding_mode = PaddingMode::zeros;
};

/// y = x * weight + bias, the cross-correlation: see conv2d.
/// Shape: [n, in_channels, h, w] or without n -> [n, out_channels, h', w']
/// Errors: ShapeError when groups do not divide the channels, for padding "same" with a stride, and as conv2d and pad.
/// PyTorch: torch.nn.Conv2d, with its initialisation: U(-b, b) for both with b = 1 / sqrt(in_channels / groups
/// kernel_size squared).
/// Keys: weight [out_channels, in_channels / groups, kernel h, kernel w], bias [out_channels]
template <Real T>
struct Conv2d final : Module<T> {
  Parameter<T> weight, bias;
  Index in_channels, out_channels;
  Pair kernel_size;
  Conv2dOptions options;

  Conv2d(Index in, Index out, Pair kernel, Conv2dOptions given = {})
      : in_channels(in), out_channels(out), kernel_size(kernel), options(given) {
    detail::check_conv("Conv2d", in, out, kernel, options.groups, options.padding, options.stride);
    const Index fan_in = in / options.groups * kernel.h * kernel.w;
    weight = Parameter<T>(detail::conv_uniform<T>({out, in / options.groups, kernel.h, kernel.w}, fan_in));
    if (options.bias) bias = Parameter<T>(detail::conv_uniform<T>({out}, fan_in));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    const bool zeros = options.padding_mode == PaddingMode::zeros;
    if (zeros || options.padding.kind() == ConvPadding::valid)
      return this->output(conv2d(x, weight, bias, {options.stride, options.padding, options.dilation, options.groups}));
    const Tensor<T> wide =
        detail::conv_border(x, 2, options.padding, kernel_size, options.dilation, options.padding_mode);
    return this->output(conv2d(wide, weight, bias, {options.stride, 0, options.dilation, options.groups}));
  }
  void visit(Visitor<T>& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
