// How images lie in tensors: what all their transforms share
#pragma once

#include <cmath>
#include <concepts>

#include <gloss/core/rng.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// What an image is made of, which says how it lies: bytes are [height, width, 1 to 4 channels] or [height,
/// width], as files have them and io::read_image gives them; numbers are [..., channels, height, width] or [height,
/// width], as models take them. ToTensor leads from bytes to numbers. Transforms are outside the graph.
template <class T>
concept PixelPart = std::same_as<T, std::uint8_t> || Real<T>;

/// A height and a width; one number is a square.
struct ImageSize {
  Index height = 0, width = 0;
  ImageSize(Index rows, Index columns) : height(rows), width(columns) {}
  ImageSize(Index side) : ImageSize(side, side) {}  // NOLINT(google-explicit-constructor): 224 is 224 x 224
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

namespace detail {

/// Dense memory of an image: planes of height x width pixels, each of `depth` elements side by side.
struct Raster {
  Index planes, height, width, depth;
  Index row() const { return width * depth; }
  Index plane() const { return height * row(); }
};

template <PixelPart T>
Raster raster_of(const char* op, const Tensor<T>& image) {
  const Shape& shape = image.shape();
  const int rank = shape.rank();
  if constexpr (std::same_as<T, std::uint8_t>) {
    if ((rank != 2 && rank != 3) || (rank == 3 && shape[2] > 4))
      fail<ShapeError>(op, ": an image of bytes is [height, width, 1 to 4 channels] or [height, width], not ", shape,
                       rank == 3 && shape[0] <= 4 ? "; permute({1, 2, 0}) puts channels last" : "");
    return {1, shape[0], shape[1], rank == 3 ? shape[2] : 1};
  } else {
    if (rank < 2) fail<ShapeError>(op, ": an image of numbers is [..., channels, height, width], not ", shape);
    return {Shape(shape.begin(), shape.end() - 2).numel(), shape[rank - 2], shape[rank - 1], 1};
  }
}

/// New memory for an image of another size.
template <PixelPart T>
Tensor<T> resized(const Tensor<T>& image, ImageSize size) {
  Shape shape = image.shape();
  const int height_axis = std::same_as<T, std::uint8_t> ? 0 : shape.rank() - 2;
  shape[height_axis] = size.height;
  shape[height_axis + 1] = size.width;
  return Tensor<T>::uninitialized(shape);
}

/// Errors: ShapeError unless both sides are above 0.
inline void check_size(const char* op, ImageSize size) {
  if (size.height < 1 || size.width < 1)
    fail<ShapeError>(op, ": a size of ", size.height, " x ", size.width, " has no pixels");
}

/// A number as an element; Error when it is no byte where bytes are wanted.
template <PixelPart T>
T part_of(const char* op, double value) {
  if (std::same_as<T, std::uint8_t> && !(value >= 0 && value <= 255 && value == std::floor(value)))
    fail(op, ": the value ", value, " is not a byte");
  return static_cast<T>(value);
}

/// Uniform in [0, 1); in [low, high); of 0 ... n - 1.
inline double draw(Rng& rng) {
  const std::uint32_t high = rng(), low = rng();
  return uniform_double(high, low);
}
inline double draw(Rng& rng, double low, double high) { return low + (high - low) * draw(rng); }
inline Index draw_below(Rng& rng, Index n) { return Index{rng.below(static_cast<std::uint32_t>(n))}; }

/// Errors: Error when p is not in [0, 1].
inline double checked_chance(const char* op, double p) {
  if (!(p >= 0 && p <= 1)) fail(op, ": p ", p, " is not in [0, 1]");
  return p;
}

}  // namespace detail

/// Height and width of an image. Errors: ShapeError when the shape is no image's.
template <PixelPart T>
ImageSize image_size(const Tensor<T>& image) {
  const detail::Raster raster = detail::raster_of("image_size", image);
  return {raster.height, raster.width};
}

}  // namespace gloss::inline GLOSS_ABI::data
