// Rectangles within images, drawn by area and proportions
#pragma once

#include <cmath>
#include <optional>

#include <gloss/data/images/image.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// A part of an image: its first pixel and its size.
struct CropBox {
  Index top = 0, left = 0;
  ImageSize size = 1;
};

namespace detail {

/// Areas as shares of the image, and ratios of width to height.
struct BoxRange {
  double min_area, max_area, min_ratio, max_ratio;

  /// Errors: Error when they are not above 0 or out of order.
  void check(const char* op) const {
    if (!(min_area > 0 && min_area <= max_area)) fail(op, ": areas from ", min_area, " to ", max_area);
    if (!(min_ratio > 0 && min_ratio <= max_ratio)) fail(op, ": ratios from ", min_ratio, " to ", max_ratio);
  }
};

/// To a whole number, halves to the even, as Python's round does it.
inline Index rounded(double x) { return static_cast<Index>(std::nearbyint(x)); }

/// A box within the image and no larger than `largest`; nothing when ten tries give none.
inline std::optional<CropBox> draw_box(Rng& rng, ImageSize image, ImageSize largest, const BoxRange& range) {
  const double pixels = static_cast<double>(image.height) * static_cast<double>(image.width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = pixels * draw(rng, range.min_area, range.max_area);
    const double ratio = std::exp(draw(rng, std::log(range.min_ratio), std::log(range.max_ratio)));
    const ImageSize size{rounded(std::sqrt(area / ratio)), rounded(std::sqrt(area * ratio))};
    if (size.height < 1 || size.width < 1 || size.height > largest.height || size.width > largest.width) continue;
    const Index top = draw_below(rng, image.height - size.height + 1);
    return CropBox{top, draw_below(rng, image.width - size.width + 1), size};
  }
  return std::nullopt;
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::data
