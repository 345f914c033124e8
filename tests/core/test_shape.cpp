#include <array>
#include <vector>

#include <gloss/core/shape.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEST_CASE("shape: numel is the product of the sizes, 1 for a scalar, 0 when an axis is empty") {
  CHECK(Shape{2, 3, 4}.numel() == 24);
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{2, 0, 4}.numel() == 0);
}

TEST_CASE("shape: equality compares rank and sizes") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
  CHECK_FALSE(Shape{2, 3} == Shape{2, 3, 1});
  CHECK(Shape{} == Shape());
}
