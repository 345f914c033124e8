// What the convolution layers share: their checks, their initialisation, and borders other than zeros.
#pragma once

#include <cmath>

#include <gloss/nn/module.hpp>
#include <gloss/ops/conv.hpp>
#include <gloss/ops/pad.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// What stands around the input of a convolution: as PadMode, whose constant is 0 here.
enum class PaddingMode : unsigned char { zeros, reflect, replicate, circular };

namespace detail {

/// PyTorch's checks, in its order.
inline void check_conv(const char* layer, Index in_channels, Index out_channels, Pair kernel_size, Index groups,
                       const ConvPadding& padding, Pair stride) {
  if (groups < 1) fail<ShapeError>(layer, ": groups ", groups, " is not positive");
  if (in_channels % groups != 0)
    fail<ShapeError>(layer, ": in_channels ", in_channels, " is not divisible by groups ", groups);
  if (out_channels % groups != 0)
    fail<ShapeError>(layer, ": out_channels ", out_channels, " is not divisible by groups ", groups);
  if (padding.kind() == ConvPadding::same && stride != Pair(1))
    fail<ShapeError>(layer, ": padding 'same' wants stride 1");
  if (in_channels < 0 || out_channels < 0 || kernel_size.h < 0 || kernel_size.w < 0)
    fail<ShapeError>(layer, ": negative size: in_channels ", in_channels, ", out_channels ", out_channels,
                     ", kernel_size ", (std::min)(kernel_size.h, kernel_size.w));
}

/// U(-b, b) with b = 1 / sqrt(fan_in): for the weight that is kaiming_uniform_ with a = sqrt(5).
template <Real T>
Tensor<T> conv_uniform(const Shape& shape, Index fan_in) {
  const double bound = fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0;
  return rand<T>(shape, static_cast<T>(-bound), static_cast<T>(bound));
}

/// x with a border of the mode's kind along its last `axes` axes.
template <Real T>
Tensor<T> conv_border(const Tensor<T>& x, int axes, const ConvPadding& padding, Pair kernel, Pair dilation,
                      PaddingMode mode) {
  const Pair across = padding.around(padding.size().w, kernel.w, dilation.w);
  const Pair down = padding.around(padding.size().h, kernel.h, dilation.h);
  std::vector<Index> widths = {across.h, across.w};
  if (axes == 2) widths.insert(widths.end(), {down.h, down.w});
  return pad(x, widths,
             {.mode = mode == PaddingMode::reflect     ? PadMode::reflect
                      : mode == PaddingMode::replicate ? PadMode::replicate
                                                       : PadMode::circular});
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::nn
