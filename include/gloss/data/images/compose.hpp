// Transforms one after another
#pragma once

#include <concepts>
#include <tuple>
#include <utility>

#include <gloss/data/images/image.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Steps one after another: each is called with what the step before it returned, and with the Rng if it takes one. A
/// step is any callable, a lambda too, and may return another type than it takes. Random numbers come from the Rng
/// alone, so equal streams give equal images on any thread.
///
///     const data::Compose augment(data::RandomCrop(32, {.padding = 4}), data::RandomHorizontalFlip(),
///                                 data::ToTensor(), data::Normalize({0.49, 0.48, 0.45}, {0.25, 0.24, 0.26}));
///     const Tensor<float> x = augment(image, rng);
///
/// PyTorch: torchvision.transforms.v2.Compose
template <class... Steps>
class Compose {
 public:
  explicit Compose(Steps... steps) : steps_(std::move(steps)...) {}

  template <class Image>
  auto operator()(const Image& image, Rng& rng) const {
    return run<0>(image, rng);
  }
  /// When no step draws.
  template <class Image>
  auto operator()(const Image& image) const {
    return run<0>(image);
  }

 private:
  template <std::size_t at, class Image, class... Stream>
  auto run(const Image& image, Stream&... rng) const {
    if constexpr (at == sizeof...(Steps)) {
      return image;
    } else {
      using Step = std::tuple_element_t<at, std::tuple<Steps...>>;
      if constexpr (std::invocable<const Step&, const Image&, Stream&...>) {
        return run<at + 1>(std::get<at>(steps_)(image, rng...), rng...);
      } else {
        static_assert(std::invocable<const Step&, const Image&>,
                      "gloss::data::Compose: a step cannot be called with what the one before it returns (if it draws, "
                      "call with an Rng as well)");
        return run<at + 1>(std::get<at>(steps_)(image), rng...);
      }
    }
  }

  std::tuple<Steps...> steps_;
};

/// A step that is done with probability p; it must return what it takes.
/// Errors: Error when p is not in [0, 1].
/// PyTorch: torchvision.transforms.v2.RandomApply
template <class Step>
class RandomApply {
 public:
  explicit RandomApply(Step step, double p = 0.5)
      : step_(std::move(step)), p_(detail::checked_chance("RandomApply", p)) {}

  template <class Image>
  Image operator()(const Image& image, Rng& rng) const {
    if (detail::draw(rng) >= p_) return image;
    if constexpr (std::invocable<const Step&, const Image&, Rng&>)
      return step_(image, rng);
    else
      return step_(image);
  }

 private:
  Step step_;
  double p_;
};

}  // namespace gloss::inline GLOSS_ABI::data
