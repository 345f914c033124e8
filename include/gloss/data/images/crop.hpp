// Parts of images, also beyond their borders
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/data/images/image.hpp>
#include <gloss/ops/pad.hpp>

namespace gloss::inline GLOSS_ABI::data {

namespace detail {

/// Which of n positions the position p of an axis reads, perhaps beyond the ends; -1 for the border's value.
inline Index position_within(Index p, Index n, PadMode mode) {
  if (p >= 0 && p < n) return p;
  const auto modulo = [](Index a, Index b) { return (a % b + b) % b; };
  switch (mode) {
    case PadMode::replicate:
      return p < 0 ? 0 : n - 1;
    case PadMode::circular:
      return modulo(p, n);
    case PadMode::reflect: {
      const Index round = n > 1 ? modulo(p, 2 * n - 2) : 0;
      return round < n ? round : 2 * n - 2 - round;
    }
    default:
      return -1;
  }
}

/// What `size` rounded to half of `whole - size` leaves before it, as Python's round does: halves to the even.
inline Index centered(Index whole, Index size) {
  const Index rest = whole - size;
  if (rest < 0) return -(-rest / 2);
  return rest / 2 + (rest % 4 == 3 ? 1 : 0);
}

}  // namespace detail

/// The part of this size whose first pixel is (top, left); what lies beyond the image is its border, by default 0.
/// Errors: ShapeError when the shape is no image's, the size has no pixels, or an empty image is to be mirrored,
/// repeated or gone round; Error when the border's value is no byte.
/// PyTorch: torchvision.transforms.v2.functional.crop
template <PixelPart T>
Tensor<T> crop(const Tensor<T>& image, Index top, Index left, ImageSize size, PadOptions border = {}) {
  const detail::Raster from = detail::raster_of("crop", image);
  detail::check_size("crop", size);
  const T value = detail::part_of<T>("crop", border.value);
  if ((from.height == 0 || from.width == 0) && border.mode != PadMode::constant)
    fail<ShapeError>("crop: an image of shape ", image.shape(), " has no pixels to repeat");
  const Tensor<T> source = image.detach().contiguous();
  Tensor<T> y = detail::resized(image, size);
  // The columns of the result that are the image's own, one after another.
  const Index first = std::clamp(-left, Index{0}, size.width), last = std::clamp(from.width - left, first, size.width);
  T* to = y.data();
  for (Index plane = 0; plane < from.planes; ++plane) {
    for (Index i = 0; i < size.height; ++i, to += size.width * from.depth) {
      const Index row = detail::position_within(top + i, from.height, border.mode);
      if (row < 0) {
        std::fill(to, to + size.width * from.depth, value);
        continue;
      }
      const T* const line = source.data() + plane * from.plane() + row * from.row();
      const auto beyond = [&](Index begin, Index end) {
        for (Index j = begin; j < end; ++j) {
          const Index column = detail::position_within(left + j, from.width, border.mode);
          for (Index c = 0; c < from.depth; ++c)
            to[j * from.depth + c] = column < 0 ? value : line[column * from.depth + c];
        }
      };
      beyond(0, first);
      if (first < last)
        std::copy(line + (left + first) * from.depth, line + (left + last) * from.depth, to + first * from.depth);
      beyond(last, size.width);
    }
  }
  return y;
}

/// The middle part; where the image is smaller, it is between borders of 0.
/// Errors: as crop.
/// PyTorch: torchvision.transforms.v2.functional.center_crop
template <PixelPart T>
Tensor<T> center_crop(const Tensor<T>& image, ImageSize size) {
  const ImageSize whole = image_size(image);
  return crop(image, detail::centered(whole.height, size.height), detail::centered(whole.width, size.width), size);
}

/// Four corners and the middle: top left, top right, bottom left, bottom right, centre. With the same of the mirrored
/// image behind them these are the ten views over which a classifier's answers are often averaged.
/// Errors: ShapeError when the image is smaller than the crop; else as crop.
/// PyTorch: torchvision.transforms.v2.functional.five_crop
template <PixelPart T>
std::vector<Tensor<T>> five_crop(const Tensor<T>& image, ImageSize size) {
  const ImageSize whole = image_size(image);
  const Index down = whole.height - size.height, right = whole.width - size.width;
  if (down < 0 || right < 0)
    fail<ShapeError>("five_crop: ", size.height, " x ", size.width, " is larger than the image, ", whole.height, " x ",
                     whole.width);
  return {crop(image, 0, 0, size), crop(image, 0, right, size), crop(image, down, 0, size),
          crop(image, down, right, size), center_crop(image, size)};
}

/// Three squares along the longer side, as long as the shorter one: the first, the middle and the last. Of equal sides
/// they are three times the same.
/// Errors: ShapeError when the shape is no image's or it has no pixels.
/// Source: the three views of video classifiers (Feichtenhofer et al. 2019, "SlowFast networks").
template <PixelPart T>
std::vector<Tensor<T>> three_crop(const Tensor<T>& image) {
  const ImageSize whole = image_size(image);
  const Index side = (std::min)(whole.height, whole.width), down = whole.height - side, right = whole.width - side;
  return {crop(image, 0, 0, side), crop(image, down / 2, right / 2, side), crop(image, down, right, side)};
}

/// Of RandomCrop.
struct RandomCropOptions {
  Index padding = 0;       ///< that the image is made wider by on every side before
  PadOptions border = {};  ///< of the padding
};

/// A part of this size, anywhere in the padded image.
/// Errors: ShapeError when the padded image is smaller; else as crop. Error when the padding is negative.
/// PyTorch: torchvision.transforms.v2.RandomCrop
class RandomCrop {
 public:
  explicit RandomCrop(ImageSize size, RandomCropOptions options = {}) : size_(size), options_(options) {
    detail::check_size("RandomCrop", size);
    if (options.padding < 0) fail("RandomCrop: the padding ", options.padding, " is negative");
  }

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image, Rng& rng) const {
    const ImageSize whole = image_size(image);
    const Index down = whole.height + 2 * options_.padding - size_.height,
                right = whole.width + 2 * options_.padding - size_.width;
    if (down < 0 || right < 0)
      fail<ShapeError>("RandomCrop: ", size_.height, " x ", size_.width, " is larger than the image, ", whole.height,
                       " x ", whole.width, " with a padding of ", options_.padding);
    const Index top = detail::draw_below(rng, down + 1), left = detail::draw_below(rng, right + 1);
    return crop(image, top - options_.padding, left - options_.padding, size_, options_.border);
  }

 private:
  ImageSize size_;
  RandomCropOptions options_;
};

/// center_crop as a step.
/// PyTorch: torchvision.transforms.v2.CenterCrop
class CenterCrop {
 public:
  explicit CenterCrop(ImageSize size) : size_(size) { detail::check_size("CenterCrop", size); }

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image) const {
    return center_crop(image, size_);
  }

 private:
  ImageSize size_;
};

}  // namespace gloss::inline GLOSS_ABI::data
