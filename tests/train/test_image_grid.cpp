// Many images in one.
#include <gloss/ops/compare.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/train/image_grid.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using train::image_grid;

TEST_CASE("image_grid: images side by side with a border, row by row") {
  const Tensor<std::uint8_t> images = {{{1, 2}}, {{3, 4}}, {{5, 6}}};  // three of 1 x 2
  const Tensor<std::uint8_t> expected = {{9, 9, 9, 9, 9, 9, 9},
                                         {9, 1, 2, 9, 3, 4, 9},
                                         {9, 9, 9, 9, 9, 9, 9},
                                         {9, 5, 6, 9, 9, 9, 9},
                                         {9, 9, 9, 9, 9, 9, 9}};
  const Tensor<std::uint8_t> grid = image_grid(images, {.columns = 2, .padding = 1, .background = 9});
  CHECK(grid.shape() == Shape{5, 7, 1});
  CHECK(difference(grid.squeeze(2), expected) == 0);
}

TEST_CASE("image_grid: pixels become squares, colours stay together, one row where there are few") {
  const Tensor<std::uint8_t> images = Tensor<std::uint8_t>{1, 2, 3, 4, 5, 6}.view({1, 1, 2, 3});
  const Tensor<std::uint8_t> grid = image_grid(images, {.padding = 0, .scale = 2});
  CHECK(grid.shape() == Shape{2, 4, 3});
  CHECK(difference(grid, Tensor<std::uint8_t>{{{1, 2, 3}, {1, 2, 3}, {4, 5, 6}, {4, 5, 6}},
                                              {{1, 2, 3}, {1, 2, 3}, {4, 5, 6}, {4, 5, 6}}}) == 0);
}

TEST_CASE("image_grid: numbers in [0, 1] as models have them") {
  const Tensor<float> images = Tensor<float>{0, 1, 0.5f, 2, 0, 0, 1, 0}.view({2, 2, 1, 2});  // two of two channels
  const Tensor<std::uint8_t> grid = image_grid(images, {.padding = 0});
  CHECK(difference(grid, Tensor<std::uint8_t>{{{0, 128}, {255, 255}, {0, 255}, {0, 0}}}) == 0);
  CHECK(difference(image_grid(images.permute({1, 0, 2, 3}).contiguous().permute({1, 0, 2, 3}), {.padding = 0}), grid) ==
        0);
}

TEST_CASE("image_grid: wrong shapes and options are named") {
  CHECK_ERROR(image_grid(zeros<std::uint8_t>({2, 3})), ShapeError,
              "image_grid: images are [n, height, width] or [n, height, width, channels], not [2, 3]");
  CHECK_ERROR(image_grid(zeros<std::uint8_t>({0, 3, 3})), ShapeError,
              "image_grid: images are [n, height, width] or [n, height, width, channels], not [0, 3, 3]");
  CHECK_ERROR(image_grid(zeros<float>({2, 3, 3})), ShapeError,
              "image_grid: images are [n, channels, height, width], not [2, 3, 3]");
  CHECK_ERROR(image_grid(zeros<std::uint8_t>({2, 3, 3}), {.columns = 0}), Error,
              "image_grid: columns 0, scale 1, padding 2");
}

TEST_CASE("image_columns: several pictures of each image side by side") {
  const Tensor<float> a = Tensor<float>{0, 1}.view({2, 1, 1, 1}), b = Tensor<float>{0.2f, 0.4f}.view({2, 1, 1, 1});
  const std::vector<Tensor<float>> pictures = {a, b, a};
  const auto y = train::image_columns(pictures, {.columns = 1, .padding = 0});
  CHECK(difference(y.squeeze(2), Tensor<std::uint8_t>{{0, 51, 0}, {255, 102, 255}}) == 0);
  CHECK(train::image_columns(pictures, {.columns = 2, .padding = 0}).shape() == Shape{1, 6, 1});
  CHECK_ERROR(train::image_columns(std::vector<Tensor<float>>{}), ShapeError, "image_columns: there are no pictures");
  CHECK_ERROR(train::image_columns(std::vector<Tensor<float>>{a, a.narrow(0, 0, 1)}), ShapeError,
              "image_columns: pictures [2, 1, 1, 1] and [1, 1, 1, 1] must be equal, [n, channels, height, width]");
}
