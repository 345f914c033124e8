// Where a model looks, drawn over the image.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <gloss/ops/interpolate.hpp>
#include <gloss/train/svg.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct AttentionOverlayOptions {
  double opacity = 0.65;  ///< how much of a pixel is the heat map's colour
  Index scale = 1;        ///< each pixel of the image becomes a square of so many
};

/// An image with a heat map over it, as bytes for io::write_image and io::encode_png: from night blue where the weights
/// are least to light where they are greatest, bilinear between the middles of their cells.
/// Shape: image [H, W] or [H, W, 1 to 4], weights [h, w] -> [scale H, scale W, 3]
/// Errors: ShapeError for other axes, or where there is nothing to draw; Error for an opacity outside [0, 1] or a scale
/// below 1.
GLOSS_LAZY Tensor<std::uint8_t> attention_overlay(const Tensor<std::uint8_t>& image, const Tensor<float>& weights,
                                                  AttentionOverlayOptions options = {}) {
  const bool is_image = image.dim() == 2 || (image.dim() == 3 && image.size(2) >= 1 && image.size(2) <= 4);
  if (!is_image || weights.dim() != 2 || image.numel() == 0 || weights.numel() == 0)
    fail<ShapeError>("attention_overlay: image ", image.shape(), " and weights ", weights.shape(),
                     " must be [height, width, 1 to 4 channels] and [height, width]");
  if (!(options.opacity >= 0 && options.opacity <= 1) || options.scale < 1)
    fail("attention_overlay: opacity ", options.opacity, ", scale ", options.scale);
  const Tensor<std::uint8_t> pixels = (image.dim() == 2 ? image.unsqueeze(2) : image).contiguous();
  const Index scale = options.scale, height = scale * pixels.size(0), width = scale * pixels.size(1);
  const Index channels = pixels.size(2), colours = channels < 3 ? 1 : 3;
  const Tensor<float> heat =
      interpolate(weights.detach(), Shape{height, width}, {.mode = InterpolateMode::bilinear}).contiguous();
  const auto [least, greatest] = std::minmax_element(heat.data(), heat.data() + heat.numel());
  const double low = *least, range = *greatest > *least ? *greatest - *least : 1;
  std::vector<std::array<int, 3>> palette;
  for (int i = 0; i < 256; ++i) palette.push_back(heat_rgb(i / 255.0, true));
  Tensor<std::uint8_t> y = empty<std::uint8_t>({height, width, 3});
  for (Index i = 0; i < height * width; ++i) {
    const double t = (static_cast<double>(heat.data()[i]) - low) / range;
    const auto& colour = palette[static_cast<std::size_t>(t > 0 ? std::lround(255 * (std::min)(t, 1.0)) : 0)];
    const std::uint8_t* const from =
        pixels.data() + (i / width / scale * pixels.size(1) + i % width / scale) * channels;
    for (Index c = 0; c < 3; ++c)
      y.data()[3 * i + c] = static_cast<std::uint8_t>(std::lround(
          (1 - options.opacity) * from[colours == 1 ? 0 : c] + options.opacity * colour[static_cast<std::size_t>(c)]));
  }
  return y;
}

}  // namespace gloss::inline GLOSS_ABI::train
