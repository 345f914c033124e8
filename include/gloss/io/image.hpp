// Images as tensors: H x W x C bytes, as files have them, and C x H x W numbers in [0, 1], as models want them.
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// Bytes to numbers in [0, 1]: y[c, h, w] = x[h, w, c] / 255, dense.
/// Shape: [H, W, C] -> [C, H, W]; [H, W] -> [1, H, W]
/// Errors: ShapeError otherwise.
/// PyTorch: torchvision.transforms.ToTensor
template <Real T = float>
Tensor<T> to_tensor(const Tensor<std::uint8_t>& image) {
  if (image.dim() != 2 && image.dim() != 3)
    fail<ShapeError>("to_tensor: an image is [height, width, channels] or [height, width], not ", image.shape());
  const Tensor<std::uint8_t> planes = image.dim() == 2 ? image.unsqueeze(0) : image.permute({2, 0, 1});
  return map_unary<T>(planes, [](std::uint8_t v) { return static_cast<T>(v) / T{255}; });
}

/// Numbers to bytes: y[h, w, c] = x[c, h, w] * 255 + 0.5, cut to [0, 255] and to a whole number; NaN becomes 0. Outside
/// the graph.
/// Shape: [C, H, W] -> [H, W, C]; [H, W] -> [H, W, 1]
/// Errors: ShapeError otherwise.
/// PyTorch: torchvision.utils.save_image's rounding (to_pil_image cuts without adding 0.5)
template <Real T>
Tensor<std::uint8_t> to_image(const Tensor<T>& x) {
  if (x.dim() != 2 && x.dim() != 3)
    fail<ShapeError>("to_image: an image is [channels, height, width] or [height, width], not ", x.shape());
  const Tensor<T> source = x.detach();
  const Tensor<T> pixels = x.dim() == 2 ? source.unsqueeze(2) : source.permute({1, 2, 0});
  return map_unary<std::uint8_t>(pixels, [](T v) {
    const T scaled = v * T{255} + T{0.5};
    return static_cast<std::uint8_t>(scaled > T{0} ? scaled < T{255} ? scaled : T{255} : T{0});
  });
}

}  // namespace gloss::inline GLOSS_ABI::io
