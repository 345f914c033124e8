// Turned images
#pragma once

#include <cmath>
#include <numbers>

#include <gloss/data/images/resize.hpp>

namespace gloss::inline GLOSS_ABI::data {

namespace detail {

/// Where a pixel of the result comes from: x' = xx x + xy y + x0, y' = yx x + yy y + y0.
struct Affine {
  double xx, xy, x0, yx, yy, y0;

  /// By this angle, counter-clockwise, about the middle of an image.
  static Affine rotation(double degrees, ImageSize size) {
    const double angle = -std::fmod(degrees, 360.0) * std::numbers::pi / 180;
    const auto trimmed = [](double v) { return std::round(v * 1e15) / 1e15; };  // so that right angles are exact
    const double c = trimmed(std::cos(angle)), s = trimmed(std::sin(angle));
    const double x = static_cast<double>(size.width) / 2, y = static_cast<double>(size.height) / 2;
    return {c, s, x - c * x - s * y, -s, c, y + s * x - c * y};
  }
};

/// Calls paint(to, plane, x, y) for each pixel of the result: where it is written and where it is read, as 16.16 fixed
/// point numbers if `fixed`.
template <bool fixed, class T, class Paint>
void each_turned_pixel(const Raster& raster, const Affine& from, T* to, const Paint& paint) {
  const auto number = [](double v) {
    if constexpr (fixed)
      return static_cast<Index>(std::floor(v * 65536 + 0.5));
    else
      return v;
  };
  const auto xx = number(from.xx), xy = number(from.xy), yx = number(from.yx), yy = number(from.yy);
  const auto x0 = number(from.x0 + from.xx * 0.5 + from.xy * 0.5), y0 = number(from.y0 + from.yx * 0.5 + from.yy * 0.5);
  using Number = decltype(number(0.0));
  for (Index plane = 0; plane < raster.planes; ++plane)
    for (Index i = 0; i < raster.height; ++i)
      for (Index j = 0; j < raster.width; ++j, to += raster.depth)
        paint(to, plane, x0 + static_cast<Number>(j) * xx + static_cast<Number>(i) * xy,
              y0 + static_cast<Number>(j) * yx + static_cast<Number>(i) * yy);
}

}  // namespace detail

/// Turned counter-clockwise about its middle, of the same size; what comes from beyond the image is `value`. Bytes are
/// what Pillow makes of them.
/// Errors: ShapeError when the shape is no image's, Error for a filter other than nearest and bilinear, an angle that
/// is not finite, or a value that is no byte where bytes are wanted.
/// PyTorch: PIL.Image.rotate; torchvision.transforms.v2.functional.rotate
template <PixelPart T>
Tensor<T> rotate(const Tensor<T>& image, double degrees, Filter filter = Filter::nearest, double value = 0) {
  const detail::Raster raster = detail::raster_of("rotate", image);
  if (filter != Filter::nearest && filter != Filter::bilinear) fail("rotate: the filter is nearest or bilinear");
  if (!std::isfinite(degrees)) fail("rotate: the angle ", degrees, " is not finite");
  const T border = detail::part_of<T>("rotate", value);
  const Tensor<T> source = image.detach().contiguous();
  Tensor<T> y = Tensor<T>::uninitialized(image.shape());
  const Index height = raster.height, width = raster.width, depth = raster.depth;
  const auto from = detail::Affine::rotation(degrees, {height, width});
  const auto pixel = [&](Index plane, Index row, Index column) {
    return source.data() + plane * raster.plane() + row * raster.row() + column * depth;
  };
  if (filter == Filter::nearest) {
    detail::each_turned_pixel<true>(raster, from, y.data(), [&](T* to, Index plane, Index x, Index z) {
      const Index column = x >> 16, row = z >> 16;
      const bool inside = column >= 0 && column < width && row >= 0 && row < height;
      const T* const p = inside ? pixel(plane, row, column) : nullptr;
      for (Index c = 0; c < depth; ++c) to[c] = inside ? p[c] : border;
    });
    return y;
  }
  detail::each_turned_pixel<false>(raster, from, y.data(), [&](T* to, Index plane, double x, double z) {
    if (!(x >= 0 && x < static_cast<double>(width) && z >= 0 && z < static_cast<double>(height))) {
      std::fill(to, to + depth, border);
      return;
    }
    const double left = std::floor(x - 0.5), top = std::floor(z - 0.5), right = x - 0.5 - left, down = z - 0.5 - top;
    const auto column = static_cast<Index>(left), row = static_cast<Index>(top);
    const auto at = [&](Index r, Index c) {
      return pixel(plane, std::clamp(r, Index{0}, height - 1), std::clamp(c, Index{0}, width - 1));
    };
    const T *a = at(row, column), *b = at(row, column + 1), *c = at(row + 1, column), *d = at(row + 1, column + 1);
    for (Index k = 0; k < depth; ++k) {
      const auto mix = [](double p, double q, double share) { return p + (q - p) * share; };
      const auto number = [k](const T* p) { return static_cast<double>(p[k]); };
      to[k] = static_cast<T>(mix(mix(number(a), number(b), right), mix(number(c), number(d), right), down));
    }
  });
  return y;
}

/// Of RandomRotation.
struct RandomRotationOptions {
  Filter filter = Filter::nearest;
  double value = 0;  ///< of what comes from beyond the image
};

/// Turned by an angle between -degrees and degrees, or between the two that are given.
/// Errors: Error when the angles are out of order; else as rotate.
/// PyTorch: torchvision.transforms.v2.RandomRotation
class RandomRotation {
 public:
  explicit RandomRotation(double degrees, RandomRotationOptions options = {})
      : RandomRotation(-degrees, degrees, options) {}
  RandomRotation(double from_degrees, double to_degrees, RandomRotationOptions options = {})
      : from_(from_degrees), to_(to_degrees), options_(options) {
    if (!(from_degrees <= to_degrees)) fail("RandomRotation: angles from ", from_degrees, " to ", to_degrees);
  }

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image, Rng& rng) const {
    return rotate(image, detail::draw(rng, from_, to_), options_.filter, options_.value);
  }

 private:
  double from_, to_;
  RandomRotationOptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::data
