// A heat map over an image.
#include <gloss/gloss.hpp>
#include <gloss/reports.hpp>
#include <gloss/train/attention_overlay.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {
int brightness(const Tensor<std::uint8_t>& y, Index row, Index column) {
  return y.at({row, column, 0}) + y.at({row, column, 1}) + y.at({row, column, 2});
}
}  // namespace

TEST_CASE("attention_overlay: light where the weights are, dark elsewhere, at the size that is wanted") {
  const auto image = full<std::uint8_t>({4, 6}, 100);
  const Tensor<float> weights{{0, 0, 3}, {0, 0, 0}};
  const auto y = train::attention_overlay(image, weights, {.scale = 2});
  REQUIRE(y.shape() == Shape{8, 12, 3});
  CHECK(brightness(y, 0, 11) > brightness(y, 0, 0) + 150);
  CHECK(brightness(y, 7, 11) < brightness(y, 0, 11));
  CHECK(brightness(y, 3, 10) > brightness(y, 7, 10));  // between the two
  const auto corner = train::heat_rgb(1, true), other = train::heat_rgb(0, true);
  const auto whole = train::attention_overlay(image, weights, {.opacity = 1});
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(whole.at({0, 5, static_cast<Index>(c)}) == corner[c]);
    CHECK(whole.at({3, 0, static_cast<Index>(c)}) == other[c]);
  }
}

TEST_CASE("attention_overlay: the image shows through, in its colours") {
  auto image = zeros<std::uint8_t>({2, 2, 3});
  image.at({0, 1, 2}) = 200;
  CHECK(equal(train::attention_overlay(image, ones<float>({1, 1}), {.opacity = 0}), image));
  const auto grey = train::attention_overlay(full<std::uint8_t>({2, 2, 1}, 9), ones<float>({1, 1}), {.opacity = 0});
  CHECK(equal(grey, full<std::uint8_t>({2, 2, 3}, 9)));
  Tensor<float> nothing = full<float>({1, 2}, std::nanf(""));
  CHECK(train::attention_overlay(image, nothing).shape() == Shape{2, 2, 3});
}

TEST_CASE("attention_overlay: what does not fit is said") {
  const auto image = zeros<std::uint8_t>({2, 2, 3});
  CHECK_ERROR(train::attention_overlay(image, zeros<float>({4})), ShapeError,
              "attention_overlay: image [2, 2, 3] and weights [4] must be [height, width, 1 to 4 channels] and "
              "[height, width]");
  CHECK_THROWS_AS(train::attention_overlay(zeros<std::uint8_t>({2, 2, 5}), zeros<float>({1, 1})), ShapeError);
  CHECK_THROWS_AS(train::attention_overlay(image, zeros<float>({0, 1})), ShapeError);
  CHECK_ERROR(train::attention_overlay(image, zeros<float>({1, 1}), {.opacity = 2}), Error,
              "attention_overlay: opacity 2, scale 1");
  CHECK_ERROR(train::attention_overlay(image, zeros<float>({1, 1}), {.scale = 0}), Error,
              "attention_overlay: opacity 0.65, scale 0");
}
