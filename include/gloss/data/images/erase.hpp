// Images with a part wiped out
#pragma once

#include <cmath>
#include <numbers>

#include <gloss/data/images/crop_box.hpp>

namespace gloss::inline GLOSS_ABI::data {

namespace detail {

/// A copy in which the elements of a box are those that `next()` gives, in order.
template <PixelPart T, class Next>
Tensor<T> erased(const char* op, const Tensor<T>& image, const CropBox& box, Next next) {
  const Raster raster = raster_of(op, image);
  if (box.top < 0 || box.left < 0 || box.size.height < 0 || box.size.width < 0 ||
      box.size.height > raster.height - box.top || box.size.width > raster.width - box.left)
    fail<IndexError>(op, ": ", box.size.height, " x ", box.size.width, " from (", box.top, ", ", box.left,
                     ") leave the image, ", raster.height, " x ", raster.width);
  Tensor<T> y = image.detach().clone();
  for (Index plane = 0; plane < raster.planes; ++plane)
    for (Index i = 0; i < box.size.height; ++i) {
      T* const row = y.data() + plane * raster.plane() + (box.top + i) * raster.row() + box.left * raster.depth;
      for (Index j = 0; j < box.size.width * raster.depth; ++j) row[j] = next();
    }
  return y;
}

/// Normal, by Box and Muller.
inline double draw_normal(Rng& rng) {
  const double radius = std::sqrt(-2 * std::log(1 - draw(rng)));
  return radius * std::cos(2 * std::numbers::pi * draw(rng));
}

}  // namespace detail

/// A copy whose box is `value` throughout.
/// Errors: IndexError when the box leaves the image; ShapeError when the shape is no image's; Error when the value is
/// no byte where bytes are wanted.
/// PyTorch: torchvision.transforms.v2.functional.erase
template <PixelPart T>
Tensor<T> erase(const Tensor<T>& image, const CropBox& box, double value = 0) {
  return detail::erased("erase", image, box, [v = detail::part_of<T>("erase", value)] { return v; });
}

/// Of RandomErasing.
struct RandomErasingOptions {
  double p = 0.5;                                   ///< how often anything is wiped out
  double min_area = 0.02, max_area = 0.33;          ///< of the box, as a share of the image
  double min_ratio = 1 / 3.3, max_ratio = 1 / 0.3;  ///< its width over its height
  double value = 0;                                 ///< what is there afterwards
  bool noise = false;                               ///< instead of the value: normal numbers; of bytes, any
};

/// Wipes out a box of random area, proportions and place, smaller than the image on each side. If none fits in ten
/// tries, the image stays.
/// Errors: Error when p is not in [0, 1], or areas or ratios are not above 0 or out of order; else as erase.
/// Source: Zhong et al. 2020, "Random erasing data augmentation".
/// PyTorch: torchvision.transforms.v2.RandomErasing, whose ratio is height over width
class RandomErasing {
 public:
  explicit RandomErasing(RandomErasingOptions options = {}) : options_(options) {
    detail::checked_chance("RandomErasing", options.p);
    range().check("RandomErasing");
  }

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image, Rng& rng) const {
    const ImageSize whole = image_size(image);
    if (detail::draw(rng) >= options_.p) return image;
    const auto box = detail::draw_box(rng, whole, {whole.height - 1, whole.width - 1}, range());
    if (!box) return image;
    if (!options_.noise) return erase(image, *box, options_.value);
    return detail::erased("RandomErasing", image, *box, [&rng] {
      if constexpr (std::same_as<T, std::uint8_t>)
        return static_cast<T>(rng.below(256));
      else
        return static_cast<T>(detail::draw_normal(rng));
    });
  }

 private:
  detail::BoxRange range() const {
    return {options_.min_area, options_.max_area, options_.min_ratio, options_.max_ratio};
  }

  RandomErasingOptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::data
