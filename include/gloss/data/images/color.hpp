// Brightness, contrast, saturation and hue
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <gloss/core/rounded_product.hpp>
#include <gloss/data/images/image.hpp>

namespace gloss::inline GLOSS_ABI::data {

namespace detail {

/// An image whose pixels are grey or red, green and blue: how far apart these stand, in dense memory.
struct Colors {
  Index pixels, channels, pixel_step, channel_step;
};

template <PixelPart T>
Colors colors_of(const char* op, const Tensor<T>& image) {
  const Raster raster = raster_of(op, image);
  const bool bytes = std::same_as<T, std::uint8_t>;
  const Index pixels = raster.height * raster.width, channels = bytes ? raster.depth : raster.planes;
  if (image.dim() > 3 || (channels != 1 && channels != 3))
    fail<ShapeError>(op, ": an image of 1 or 3 channels is wanted, not ", image.shape());
  return bytes ? Colors{pixels, channels, channels, 1} : Colors{pixels, channels, 1, pixels};
}

/// How bright a pixel is. Bytes: whole numbers of 16 bits behind the point, as Pillow's mode L; else as torchvision.
template <PixelPart T>
T luminance(const Colors& colors, const T* pixel) {
  if (colors.channels == 1) return *pixel;
  const T r = pixel[0], g = pixel[colors.channel_step], b = pixel[2 * colors.channel_step];
  if constexpr (std::same_as<T, std::uint8_t>)
    return static_cast<T>((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
  else
    return static_cast<T>(0.2989) * r + static_cast<T>(0.587) * g + static_cast<T>(0.114) * b;
}

/// Each pixel blended with other(pixel), one number for all channels: other + factor (x - other), cut to what an
/// element may be; bytes lose what is behind the point.
template <PixelPart T, class Other>
Tensor<T> blend(const Tensor<T>& image, const Colors& colors, double factor, const Other& other) {
  const Tensor<T> source = image.detach().contiguous();
  Tensor<T> y = Tensor<T>::uninitialized(image.shape());
  std::array<float, 511> parts{};  // factor times each difference of bytes
  if constexpr (std::same_as<T, std::uint8_t>)
    for (int d = -255; d <= 255; ++d)
      parts[static_cast<std::size_t>(d + 255)] = rounded_product(static_cast<float>(factor), static_cast<float>(d));
  const auto blended = [&](T x, T with) {
    if constexpr (std::same_as<T, std::uint8_t>)
      return static_cast<T>(std::clamp(static_cast<float>(with) + parts[std::size_t{255} + x - with], 0.0f, 255.0f));
    else
      return std::clamp(static_cast<T>(factor) * x + static_cast<T>(1 - factor) * with, T{0}, T{1});
  };
  for (Index p = 0; p < colors.pixels; ++p) {
    const T* const from = source.data() + p * colors.pixel_step;
    T* const to = y.data() + p * colors.pixel_step;
    const T with = other(from);
    for (Index c = 0; c < colors.channels; ++c)
      to[c * colors.channel_step] = blended(from[c * colors.channel_step], with);
  }
  return y;
}

inline void check_factor(const char* op, double factor) {
  if (!(factor >= 0 && std::isfinite(factor))) fail(op, ": the factor ", factor, " is not 0 or above");
}

/// Red, green and blue in a sixth of the circle of hues: the value v, p without colour, q on the way down, t up.
template <PixelPart T>
std::array<T, 3> in_sixth(int sixth, T v, T p, T q, T t) {
  switch (sixth % 6) {
    case 0:
      return {v, t, p};
    case 1:
      return {q, v, p};
    case 2:
      return {p, v, t};
    case 3:
      return {p, q, v};
    case 4:
      return {t, p, v};
    default:
      return {v, p, q};
  }
}

/// Red, green and blue to hue, saturation and value, and back; all in [0, 1].
template <Real T>
std::array<T, 3> to_hsv(T r, T g, T b) {
  const T most = (std::max)((std::max)(r, g), b), least = (std::min)((std::min)(r, g), b), range = most - least;
  if (range == T{0}) return {T{0}, T{0}, most};
  const T rest_r = (most - r) / range, rest_g = (most - g) / range, rest_b = (most - b) / range;
  const T sixths = most == r ? rest_b - rest_g : most == g ? T{2} + rest_r - rest_b : T{4} + rest_g - rest_r;
  return {std::fmod(sixths / T{6} + T{1}, T{1}), range / most, most};
}
template <Real T>
std::array<T, 3> to_rgb(T h, T s, T v) {
  const T sixths = std::floor(h * T{6}), f = h * T{6} - sixths;
  const auto cut = [](T x) { return std::clamp(x, T{0}, T{1}); };
  const T p = cut(v * (T{1} - s)), q = cut(v * (T{1} - s * f)), t = cut(v * (T{1} - s * (T{1} - f)));
  return in_sixth(static_cast<int>(sixths), v, p, q, t);
}

/// The same of bytes, by Pillow's steps between them.
inline std::array<std::uint8_t, 3> to_hsv(std::uint8_t r, std::uint8_t g, std::uint8_t b) {
  const std::uint8_t most = (std::max)((std::max)(r, g), b), least = (std::min)((std::min)(r, g), b);
  if (most == least) return {0, 0, most};
  const auto range = static_cast<float>(most - least);
  const auto rest = [&](std::uint8_t v) { return static_cast<float>(most - v) / range; };
  const double sixths = most == r   ? static_cast<double>(rest(b) - rest(g))
                        : most == g ? 2.0 + static_cast<double>(rest(r)) - static_cast<double>(rest(b))
                                    : 4.0 + static_cast<double>(rest(g)) - static_cast<double>(rest(r));
  const auto hue = static_cast<float>(std::fmod(static_cast<double>(static_cast<float>(sixths)) / 6.0 + 1.0, 1.0));
  const auto byte = [](float v) { return static_cast<std::uint8_t>(std::clamp(static_cast<int>(v * 255.0), 0, 255)); };
  return {byte(hue), byte(range / static_cast<float>(most)), most};
}
inline std::array<std::uint8_t, 3> to_rgb(std::uint8_t h, std::uint8_t s, std::uint8_t v) {
  if (s == 0) return {v, v, v};
  const double turned = static_cast<double>(static_cast<float>(h)) * 6.0 / 255.0;
  const int sixth = static_cast<int>(std::floor(turned));
  const auto f = static_cast<double>(static_cast<float>(turned - sixth)), share = static_cast<double>(s / 255.0f);
  const auto byte = [v](double dark) {
    return static_cast<std::uint8_t>(std::clamp(static_cast<int>(std::round(v * (1.0 - dark))), 0, 255));
  };
  const std::uint8_t p = byte(share), q = byte(share * f), t = byte(share * (1.0 - f));
  return in_sixth(sixth, v, p, q, t);
}

}  // namespace detail

// Each of these gives of bytes what Pillow gives, and of numbers, which are in [0, 1], what torchvision gives.

/// factor times as bright: 0 is black.
/// Shape: an image of 1 or 3 channels; of numbers [channels, height, width] or [height, width]
/// Errors: ShapeError for other images, Error when the factor is below 0.
/// PyTorch: torchvision.transforms.v2.functional.adjust_brightness
template <PixelPart T>
Tensor<T> adjust_brightness(const Tensor<T>& image, double factor) {
  const detail::Colors colors = detail::colors_of("adjust_brightness", image);
  detail::check_factor("adjust_brightness", factor);
  return detail::blend(image, colors, factor, [](const T*) { return T{0}; });
}

/// factor times as far from the image's mean brightness: 0 is grey throughout.
/// Errors: as adjust_brightness.
/// PyTorch: torchvision.transforms.v2.functional.adjust_contrast
template <PixelPart T>
Tensor<T> adjust_contrast(const Tensor<T>& image, double factor) {
  const detail::Colors colors = detail::colors_of("adjust_contrast", image);
  detail::check_factor("adjust_contrast", factor);
  const Tensor<T> source = image.detach().contiguous();
  double sum = 0;
  for (Index p = 0; p < colors.pixels; ++p)
    sum += static_cast<double>(detail::luminance(colors, static_cast<const T*>(source.data() + p * colors.pixel_step)));
  const double mean = sum / static_cast<double>((std::max)(colors.pixels, Index{1}));
  const auto grey = static_cast<T>(std::same_as<T, std::uint8_t> ? mean + 0.5 : mean);
  return detail::blend(source, colors, factor, [grey](const T*) { return grey; });
}

/// factor times as colourful: 0 is grey, each pixel as bright as it was.
/// Errors: as adjust_brightness.
/// PyTorch: torchvision.transforms.v2.functional.adjust_saturation
template <PixelPart T>
Tensor<T> adjust_saturation(const Tensor<T>& image, double factor) {
  const detail::Colors colors = detail::colors_of("adjust_saturation", image);
  detail::check_factor("adjust_saturation", factor);
  if (colors.channels == 1) return image.detach().clone();
  return detail::blend(image, colors, factor, [&](const T* pixel) { return detail::luminance(colors, pixel); });
}

/// Colours turned round their circle by `shift` of it, in [-1/2, 1/2]; grey stays grey.
/// Shape: as adjust_brightness
/// Errors: ShapeError for other images, Error for another shift.
/// PyTorch: torchvision.transforms.v2.functional.adjust_hue
template <PixelPart T>
Tensor<T> adjust_hue(const Tensor<T>& image, double shift) {
  const detail::Colors colors = detail::colors_of("adjust_hue", image);
  if (!(shift >= -0.5 && shift <= 0.5)) fail("adjust_hue: the shift ", shift, " is not in [-0.5, 0.5]");
  Tensor<T> y = image.detach().clone();
  if (colors.channels == 1) return y;
  for (Index p = 0; p < colors.pixels; ++p) {
    T* const pixel = y.data() + p * colors.pixel_step;
    const Index step = colors.channel_step;
    auto hsv = detail::to_hsv(pixel[0], pixel[step], pixel[2 * step]);
    if constexpr (std::same_as<T, std::uint8_t>)
      hsv[0] = static_cast<T>(hsv[0] + static_cast<int>(shift * 255));
    else
      hsv[0] = std::fmod(hsv[0] + static_cast<T>(shift) + T{1}, T{1});
    const auto rgb = detail::to_rgb(hsv[0], hsv[1], hsv[2]);
    for (Index c = 0; c < 3; ++c) pixel[c * step] = rgb[static_cast<std::size_t>(c)];
  }
  return y;
}

/// Of ColorJitter: how far each may go; 0 leaves it.
struct ColorJitterOptions {
  double brightness = 0;  ///< factors from max(0, 1 - this) to 1 + this
  double contrast = 0;    ///< likewise
  double saturation = 0;  ///< likewise
  double hue = 0;         ///< shifts from -this to this, at most 1/2
};

/// Brightness, contrast, saturation and hue, each by a random amount, in random order.
/// Errors: Error when an option is below 0 or the hue above 1/2; else as adjust_brightness.
/// PyTorch: torchvision.transforms.v2.ColorJitter
class ColorJitter {
 public:
  explicit ColorJitter(ColorJitterOptions options) : options_(options) {
    for (const double v : {options.brightness, options.contrast, options.saturation, options.hue})
      if (!(v >= 0 && std::isfinite(v))) fail("ColorJitter: the amount ", v, " is not 0 or above");
    if (options.hue > 0.5) fail("ColorJitter: the hue ", options.hue, " is above 0.5");
  }

  template <PixelPart T>
  Tensor<T> operator()(const Tensor<T>& image, Rng& rng) const {
    std::array<int, 4> order{0, 1, 2, 3};
    for (std::uint32_t i = 4; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    const auto factor = [&](double amount) { return detail::draw(rng, (std::max)(0.0, 1 - amount), 1 + amount); };
    const double brightness = factor(options_.brightness), contrast = factor(options_.contrast),
                 saturation = factor(options_.saturation), hue = detail::draw(rng, -options_.hue, options_.hue);
    Tensor<T> y = image;
    for (const int step : order) {
      if (step == 0 && options_.brightness > 0) y = adjust_brightness(y, brightness);
      if (step == 1 && options_.contrast > 0) y = adjust_contrast(y, contrast);
      if (step == 2 && options_.saturation > 0) y = adjust_saturation(y, saturation);
      if (step == 3 && options_.hue > 0) y = adjust_hue(y, hue);
    }
    return y;
  }

 private:
  ColorJitterOptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::data
