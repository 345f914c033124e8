// Turned images
#pragma once

#include <cmath>
#include <numbers>

#include <gloss/core/rounded_product.hpp>
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
    const auto moved = [&](double a, double b) { return -rounded_product(a, x) - rounded_product(b, y); };
    return {c, s, moved(c, s) + x, -s, c, moved(-s, c) + y};
  }
};

/// Calls f(to, plane, row, column) for each pixel of an image in dense memory at `to`.
template <class T, class F>
void each_pixel(const Raster& raster, T* to, const F& f) {
  for (Index plane = 0; plane < raster.planes; ++plane)
    for (Index row = 0; row < raster.height; ++row)
      for (Index column = 0; column < raster.width; ++column, to += raster.depth) f(to, plane, row, column);
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
  if (filter == Filter::nearest) {  // by fixed-point numbers with 16 bits behind the point, as Pillow
    const auto fixed = [](double v) { return static_cast<Index>(std::floor(v * 65536 + 0.5)); };
    const Index xx = fixed(from.xx), xy = fixed(from.xy), yx = fixed(from.yx), yy = fixed(from.yy);
    const Index x0 = fixed(from.x0 + from.xx * 0.5 + from.xy * 0.5),
                y0 = fixed(from.y0 + from.yx * 0.5 + from.yy * 0.5);
    detail::each_pixel(raster, y.data(), [&](T* to, Index plane, Index i, Index j) {
      const Index column = (x0 + j * xx + i * xy) >> 16, row = (y0 + j * yx + i * yy) >> 16;
      const bool inside = column >= 0 && column < width && row >= 0 && row < height;
      const T* const p = inside ? pixel(plane, row, column) : nullptr;
      for (Index c = 0; c < depth; ++c) to[c] = inside ? p[c] : border;
    });
    return y;
  }
  detail::each_pixel(raster, y.data(), [&](T* to, Index plane, Index i, Index j) {
    const double v = static_cast<double>(i) + 0.5, u = static_cast<double>(j) + 0.5;
    const double x = rounded_product(from.xx, u) + rounded_product(from.xy, v) + from.x0;
    const double z = rounded_product(from.yx, u) + rounded_product(from.yy, v) + from.y0;
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
      const auto mix = [](double p, double q, double share) { return p + rounded_product(q - p, share); };
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
