// Many images in one.
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/io/image.hpp>
#include <gloss/ops/cat.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct ImageGridOptions {
  Index columns = 8;   ///< images side by side
  Index padding = 2;   ///< pixels around each
  Index scale = 1;     ///< each pixel becomes a square of so many
  int background = 0;  ///< grey value of the padding
};

/// Images side by side, row by row, as bytes for io::write_image and io::encode_png.
/// Shape: [n, H, W] or [n, H, W, C] -> [rows (scale H + padding) + padding, columns (scale W + padding) + padding, C]
/// Errors: ShapeError for another number of axes, or none to show; Error for columns or scale below 1, padding below 0.
/// PyTorch: torchvision.utils.make_grid
GLOSS_LAZY Tensor<std::uint8_t> image_grid(const Tensor<std::uint8_t>& images, ImageGridOptions options = {}) {
  if ((images.dim() != 3 && images.dim() != 4) || images.numel() == 0)
    fail<ShapeError>("image_grid: images are [n, height, width] or [n, height, width, channels], not ", images.shape());
  if (options.columns < 1 || options.scale < 1 || options.padding < 0)
    fail("image_grid: columns ", options.columns, ", scale ", options.scale, ", padding ", options.padding);
  const Tensor<std::uint8_t> x = (images.dim() == 3 ? images.unsqueeze(3) : images).contiguous();
  const Index n = x.size(0), height = x.size(1), width = x.size(2), channels = x.size(3), scale = options.scale;
  const Index columns = (std::min)(options.columns, n), rows = (n + columns - 1) / columns;
  const Index down = scale * height + options.padding, across = scale * width + options.padding;
  Tensor<std::uint8_t> grid =
      full<std::uint8_t>({rows * down + options.padding, columns * across + options.padding, channels},
                         static_cast<std::uint8_t>(options.background));
  const Index line = grid.size(1) * channels;
  for (Index i = 0; i < n; ++i)
    for (Index r = 0; r < scale * height; ++r) {
      const std::uint8_t* const from = x.data() + (i * height + r / scale) * width * channels;
      std::uint8_t* const to = grid.data() + (i / columns * down + options.padding + r) * line +
                               (i % columns * across + options.padding) * channels;
      for (Index c = 0; c < scale * width; ++c) std::copy_n(from + c / scale * channels, channels, to + c * channels);
    }
  return grid;
}

/// Numbers in [0, 1], as models have them.
/// Shape: [n, C, H, W] -> as above
/// Errors: ShapeError otherwise.
template <Real T>
Tensor<std::uint8_t> image_grid(const Tensor<T>& images, ImageGridOptions options = {}) {
  if (images.dim() != 4) fail<ShapeError>("image_grid: images are [n, channels, height, width], not ", images.shape());
  // One image of all rows of pixels, since to_image knows single ones.
  const Index n = images.size(0), channels = images.size(1), height = images.size(2), width = images.size(3);
  const Tensor<T> tall = images.detach().permute({1, 0, 2, 3}).reshape({channels, n * height, width});
  return image_grid(io::to_image(tall).reshape({n, height, width, channels}), options);
}

/// Several pictures of each image side by side, a row for each image or several in one: what went in, what came out,
/// what was wanted. options.columns is how many images stand in a row.
/// Shape: each [n, C, H, W], in [0, 1] -> as image_grid with as many columns for each image as there are pictures of it
/// Errors: ShapeError when there are none, or their shapes differ; Error as image_grid.
template <Real T>
Tensor<std::uint8_t> image_columns(const std::vector<Tensor<T>>& pictures, ImageGridOptions options = {.columns = 1}) {
  if (pictures.empty()) fail<ShapeError>("image_columns: there are no pictures");
  for (const Tensor<T>& p : pictures)
    if (p.dim() != 4 || p.shape() != pictures[0].shape())
      fail<ShapeError>("image_columns: pictures ", pictures[0].shape(), " and ", p.shape(),
                       " must be equal, [n, channels, height, width]");
  std::vector<Tensor<T>> plain;
  for (const Tensor<T>& p : pictures) plain.push_back(p.detach());
  options.columns *= static_cast<Index>(pictures.size());
  return image_grid(stack(plain, 1).flatten(0, 1), options);
}

}  // namespace gloss::inline GLOSS_ABI::train
