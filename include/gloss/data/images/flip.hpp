// Mirrored images
#pragma once

#include <algorithm>

#include <gloss/data/images/image.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Left becomes right.
/// Errors: ShapeError when the shape is no image's.
/// PyTorch: torchvision.transforms.v2.functional.horizontal_flip
template <PixelPart T>
Tensor<T> horizontal_flip(const Tensor<T>& image) {
  const detail::Raster raster = detail::raster_of("horizontal_flip", image);
  const Tensor<T> source = image.detach().contiguous();
  Tensor<T> y = Tensor<T>::uninitialized(image.shape());
  const Index row = raster.row(), depth = raster.depth;
  for (Index i = 0; i < raster.planes * raster.height; ++i) {
    const T* const from = source.data() + i * row;
    T* const to = y.data() + i * row;
    if (depth == 1)
      std::reverse_copy(from, from + row, to);
    else
      for (Index j = 0; j < row; j += depth)
        for (Index c = 0; c < depth; ++c) to[row - depth - j + c] = from[j + c];
  }
  return y;
}

/// Top becomes bottom.
/// Errors: ShapeError when the shape is no image's.
/// PyTorch: torchvision.transforms.v2.functional.vertical_flip
template <PixelPart T>
Tensor<T> vertical_flip(const Tensor<T>& image) {
  const detail::Raster raster = detail::raster_of("vertical_flip", image);
  const Tensor<T> source = image.detach().contiguous();
  Tensor<T> y = Tensor<T>::uninitialized(image.shape());
  const Index row = raster.row();
  for (Index plane = 0; plane < raster.planes; ++plane)
    for (Index i = 0; i < raster.height; ++i) {
      const T* const from = source.data() + plane * raster.plane() + i * row;
      std::copy(from, from + row, y.data() + plane * raster.plane() + (raster.height - 1 - i) * row);
    }
  return y;
}

/// horizontal_flip with probability p, else the image itself.
/// Errors: Error when p is not in [0, 1]; else as horizontal_flip.
/// PyTorch: torchvision.transforms.v2.RandomHorizontalFlip
class RandomHorizontalFlip {
 public:
  explicit RandomHorizontalFlip(double p = 0.5) : p_(detail::checked_chance("RandomHorizontalFlip", p)) {}

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image, Rng& rng) const {
    return detail::draw(rng) < p_ ? horizontal_flip(image) : image;
  }

 private:
  double p_;
};

/// vertical_flip with probability p, else the image itself.
/// Errors: Error when p is not in [0, 1]; else as vertical_flip.
/// PyTorch: torchvision.transforms.v2.RandomVerticalFlip
class RandomVerticalFlip {
 public:
  explicit RandomVerticalFlip(double p = 0.5) : p_(detail::checked_chance("RandomVerticalFlip", p)) {}

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image, Rng& rng) const {
    return detail::draw(rng) < p_ ? vertical_flip(image) : image;
  }

 private:
  double p_;
};

}  // namespace gloss::inline GLOSS_ABI::data
