// Images as a model takes them: numbers of zero mean and unit deviation
#pragma once

#include <utility>
#include <vector>

#include <gloss/data/images/image.hpp>
#include <gloss/io/image.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// y = (x - mean) / std, channel by channel; one mean or one deviation stands for all channels.
/// Shape: [..., channels, height, width]
/// Errors: ShapeError when the shape is no image's or there is not one mean and one deviation for each channel, Error
/// when a deviation is not above 0.
/// PyTorch: torchvision.transforms.v2.functional.normalize
template <Real T>
Tensor<T> normalize(const Tensor<T>& image, const std::vector<double>& mean, const std::vector<double>& deviation) {
  if (image.dim() < 3) fail<ShapeError>("normalize: an image is [..., channels, height, width], not ", image.shape());
  const Index channels = image.size(-3), pixels = image.size(-2) * image.size(-1);
  for (const auto* numbers : {&mean, &deviation})
    if (numbers->size() != 1 && static_cast<Index>(numbers->size()) != channels)
      fail<ShapeError>("normalize: ", mean.size(), " means and ", deviation.size(), " deviations for ", channels,
                       " channels");
  for (const double d : deviation)
    if (!(d > 0)) fail("normalize: the deviation ", d, " is not above 0");
  const Tensor<T> source = image.detach().contiguous();
  Tensor<T> y = Tensor<T>::uninitialized(image.shape());
  const auto of_channel = [](const std::vector<double>& numbers, Index c) {
    return static_cast<T>(numbers[numbers.size() == 1 ? 0 : static_cast<std::size_t>(c)]);
  };
  const Index planes = pixels > 0 ? image.numel() / pixels : 0;
  for (Index plane = 0; plane < planes; ++plane) {
    const T center = of_channel(mean, plane % channels), width = of_channel(deviation, plane % channels);
    const T* const from = source.data() + plane * pixels;
    T* const to = y.data() + plane * pixels;
    for (Index i = 0; i < pixels; ++i) to[i] = (from[i] - center) / width;
  }
  return y;
}

/// normalize as a step.
/// PyTorch: torchvision.transforms.v2.Normalize
class Normalize {
 public:
  Normalize(std::vector<double> mean, std::vector<double> deviation)
      : mean_(std::move(mean)), deviation_(std::move(deviation)) {}

  template <Real T>
  Tensor<T> operator()(const Tensor<T>& image) const {
    return normalize(image, mean_, deviation_);
  }

 private:
  std::vector<double> mean_, deviation_;
};

/// io::to_tensor as a step: bytes to numbers in [0, 1], channels first.
/// PyTorch: torchvision.transforms.ToTensor
template <Real T = float>
struct ToTensor {
  Tensor<T> operator()(const Tensor<std::uint8_t>& image) const { return io::to_tensor<T>(image); }
};

}  // namespace gloss::inline GLOSS_ABI::data
