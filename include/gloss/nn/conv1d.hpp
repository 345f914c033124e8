// The convolution layer over sequences.
#pragma once

#include <gloss/nn/conv_layer.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct Conv1dOptions {
  Index stride = 1;
  ConvPadding padding = 0;  // a number, "same" or "valid"
  Index dilation = 1;
  Index groups = 1;
  bool bias = true;
  PaddingMode padding_mode = PaddingMode::zeros;
};

/// y = x * weight + bias, the cross-correlation: see conv1d.
/// Shape: [n, in_channels, length] or without n -> [n, out_channels, l]
/// Errors: ShapeError when groups do not divide the channels, for padding "same" with a stride, and as conv1d and pad.
/// PyTorch: torch.nn.Conv1d, with its initialisation: U(-b, b) for both with b = 1 / sqrt(in_channels / groups
/// kernel_size).
/// Keys: weight [out_channels, in_channels / groups, kernel_size], bias [out_channels]
template <Real T>
struct Conv1d final : Module<T> {
  Parameter<T> weight, bias;
  Index in_channels, out_channels;
  Index kernel_size;
  Conv1dOptions options;

  Conv1d(Index in, Index out, Index kernel, Conv1dOptions given = {})
      : in_channels(in), out_channels(out), kernel_size(kernel), options(given) {
    detail::check_conv("Conv1d", in, out, kernel, options.groups, options.padding, options.stride);
    const Index fan_in = in / options.groups * kernel;
    weight = Parameter<T>(detail::conv_uniform<T>({out, in / options.groups, kernel}, fan_in));
    if (options.bias) bias = Parameter<T>(detail::conv_uniform<T>({out}, fan_in));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    const bool zeros = options.padding_mode == PaddingMode::zeros;
    if (zeros || options.padding.kind() == ConvPadding::valid)
      return this->output(conv1d(x, weight, bias, {options.stride, options.padding, options.dilation, options.groups}));
    const Tensor<T> wide =
        detail::conv_border(x, 1, options.padding, kernel_size, options.dilation, options.padding_mode);
    return this->output(conv1d(wide, weight, bias, {options.stride, 0, options.dilation, options.groups}));
  }
  void visit(Visitor<T>& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
