// Images of another size
#pragma once

#include <algorithm>
#include <utility>

#include <gloss/data/images/crop.hpp>
#include <gloss/data/images/crop_box.hpp>
#include <gloss/kernels/resample.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// How a resized image is made of its source.
enum class Filter { nearest, box, bilinear, bicubic, lanczos };

namespace detail {

inline kernels::Taps<double> taps_of(Filter filter, Index in, Index out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  switch (filter) {
    case Filter::box:
      return kernels::filtered_taps(in, out, scale, kernels::box_filter);
    case Filter::bilinear:
      return kernels::filtered_taps(in, out, scale, kernels::triangle_filter);
    case Filter::bicubic:
      return kernels::filtered_taps(in, out, scale, kernels::cubic_filter);
    case Filter::lanczos:
      return kernels::filtered_taps(in, out, scale, kernels::lanczos_filter);
    default:
      break;
  }
  return kernels::nearest_taps(in, out, [at = scale * 0.5, scale](Index) mutable {  // added up, as Pillow does it
    return std::exchange(at, at + scale);
  });
}

/// The middle axis of [outer, in, inner] with another size.
template <PixelPart T>
void resize_axis(Filter filter, Index in, Index out, Index outer, Index inner, const T* x, T* y) {
  const kernels::Taps<double> taps = taps_of(filter, in, out);
  if constexpr (std::same_as<T, std::uint8_t>)
    kernels::resample(kernels::byte_taps(taps), outer, inner, x, y);
  else
    kernels::resample(kernels::taps_as<T>(taps), outer, inner, x, y);
}

}  // namespace detail

/// Of this size, antialiased where it shrinks: first all rows, then all columns. Bytes are rounded after each, and are
/// what Pillow up to 12 makes of them, bit by bit (13 begins with the columns of tall images, and some bytes differ by
/// one); channels are independent, also alpha, which Pillow multiplies in.
/// Errors: ShapeError when the shape is no image's, or the image or the size has no pixels.
/// PyTorch: PIL.Image.resize; torchvision.transforms.v2.functional.resize
template <PixelPart T>
Tensor<T> resize(const Tensor<T>& image, ImageSize size, Filter filter = Filter::bilinear) {
  const detail::Raster from = detail::raster_of("resize", image);
  detail::check_size("resize", size);
  if (from.height == 0 || from.width == 0)
    fail<ShapeError>("resize: an image of shape ", image.shape(), " has no pixels");
  Tensor<T> x = image.detach().contiguous();
  if (size.width != from.width) {
    Tensor<T> y = detail::resized(image, {from.height, size.width});
    detail::resize_axis(filter, from.width, size.width, from.planes * from.height, from.depth,
                        static_cast<const T*>(x.data()), y.data());
    x = y;
  }
  if (size.height != from.height) {
    Tensor<T> y = detail::resized(image, size);
    detail::resize_axis(filter, from.height, size.height, from.planes, size.width * from.depth,
                        static_cast<const T*>(x.data()), y.data());
    x = y;
  }
  return x;
}

/// The size of an image whose shorter side becomes `side`, of the same proportions; with max_side above 0 the longer
/// side becomes no longer than that.
/// Errors: Error when the side has no pixels or is not below max_side; ShapeError when the image has none.
/// PyTorch: how torchvision.transforms.v2.Resize reads one number, and max_size
inline ImageSize shorter_side_size(ImageSize image, Index side, Index max_side = 0) {
  detail::check_size("resize", image);
  if (side < 1) fail("resize: a shorter side of ", side, " has no pixels");
  if (max_side > 0 && max_side <= side) fail("resize: a longest side of ", max_side, " is not above ", side);
  const auto share = [](Index a, Index b, Index c) {
    return static_cast<Index>(static_cast<double>(a * b) / static_cast<double>(c));
  };
  const Index shorter = (std::min)(image.height, image.width), longer = (std::max)(image.height, image.width);
  Index new_shorter = side, new_longer = share(side, longer, shorter);
  if (max_side > 0 && new_longer > max_side) {
    new_shorter = (std::max)(share(max_side, new_shorter, new_longer), Index{1});
    new_longer = max_side;
  }
  return image.width <= image.height ? ImageSize{new_longer, new_shorter} : ImageSize{new_shorter, new_longer};
}

/// resize as a step: to a size, or so that the shorter side becomes `side`.
/// PyTorch: torchvision.transforms.v2.Resize
class Resize {
 public:
  explicit Resize(ImageSize size, Filter filter = Filter::bilinear) : size_(size), filter_(filter) {
    detail::check_size("Resize", size);
  }
  explicit Resize(Index shorter_side, Filter filter = Filter::bilinear, Index max_side = 0)
      : size_(shorter_side), max_side_(max_side), by_shorter_side_(true), filter_(filter) {
    detail::check_size("Resize", size_);
  }

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image) const {
    return resize(image, by_shorter_side_ ? shorter_side_size(image_size(image), size_.height, max_side_) : size_,
                  filter_);
  }

 private:
  ImageSize size_;
  Index max_side_ = 0;
  bool by_shorter_side_ = false;
  Filter filter_;
};

/// Of RandomResizedCrop.
struct RandomResizedCropOptions {
  double min_area = 0.08, max_area = 1;             ///< of the part, as a share of the image
  double min_ratio = 3.0 / 4, max_ratio = 4.0 / 3;  ///< its width over its height
  Filter filter = Filter::bilinear;
};

/// A part of random area and proportions, resized to this size. If no part fits in ten tries, the largest in the middle
/// whose proportions are allowed.
/// Errors: Error when the areas or ratios are not above 0 or out of order; ShapeError as resize.
/// Source: Szegedy et al. 2015, "Going deeper with convolutions", section 6.
/// PyTorch: torchvision.transforms.v2.RandomResizedCrop
class RandomResizedCrop {
 public:
  explicit RandomResizedCrop(ImageSize size, RandomResizedCropOptions options = {}) : size_(size), options_(options) {
    detail::check_size("RandomResizedCrop", size);
    range().check("RandomResizedCrop");
  }

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image, Rng& rng) const {
    const CropBox part = draw(image_size(image), rng);
    return resize(crop(image, part.top, part.left, part.size), size_, options_.filter);
  }

  /// The part that is taken of an image of this size.
  CropBox draw(ImageSize image, Rng& rng) const {
    detail::check_size("RandomResizedCrop", image);
    if (const auto box = detail::draw_box(rng, image, image, range())) return *box;
    const auto height = static_cast<double>(image.height), width = static_cast<double>(image.width);
    ImageSize size = image;
    if (width / height < options_.min_ratio)
      size.height = std::clamp(detail::rounded(width / options_.min_ratio), Index{1}, image.height);
    else if (width / height > options_.max_ratio)
      size.width = std::clamp(detail::rounded(height * options_.max_ratio), Index{1}, image.width);
    return {(image.height - size.height) / 2, (image.width - size.width) / 2, size};
  }

 private:
  detail::BoxRange range() const {
    return {options_.min_area, options_.max_area, options_.min_ratio, options_.max_ratio};
  }

  ImageSize size_;
  RandomResizedCropOptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::data
