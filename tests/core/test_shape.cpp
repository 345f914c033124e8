#include <vector>

#include <gloss/core/shape.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

template <class E, class F>
std::string text_of(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

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

TEST_CASE("shape: is built from lists, ranges and a repeated size") {
  const std::vector<int> sizes{4, 5, 6};
  CHECK(Shape(sizes.begin(), sizes.end()) == Shape{4, 5, 6});
  CHECK(Shape::filled(3, 7) == Shape{7, 7, 7});
  CHECK(Shape::filled(0, 7) == Shape{});
  CHECK(Shape{}.empty());
  CHECK(Shape{9}.rank() == 1);
  CHECK(Shape{1, 2, 3}.front() == 1);
  CHECK(Shape{1, 2, 3}.back() == 3);
}

TEST_CASE("shape: insert and erase move the axes behind") {
  Shape s{2, 3, 4};
  s.insert(0, 9);
  CHECK(s == Shape{9, 2, 3, 4});
  s.insert(4, 8);
  CHECK(s == Shape{9, 2, 3, 4, 8});
  s.erase(1);
  CHECK(s == Shape{9, 3, 4, 8});
  s.erase(3);
  CHECK(s == Shape{9, 3, 4});
}

TEST_CASE("shape: eight axes fit, a ninth is an error") {
  Shape s = Shape::filled(max_rank, 1);
  CHECK(s.rank() == 8);
  CHECK(text_of<ShapeError>([&] { s.push_back(1); }) == "shape: more than 8 axes");
  CHECK(text_of<ShapeError>([&] { s.insert(0, 1); }) == "shape: more than 8 axes");
  CHECK(text_of<ShapeError>([] { Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}; }) == "shape: more than 8 axes");
  CHECK(s.rank() == 8);
}

TEST_CASE("shape: prints as in error texts") {
  CHECK(to_string(Shape{}) == "[]");
  CHECK(to_string(Shape{5}) == "[5]");
  CHECK(to_string(Shape{2, 0, -1}) == "[2, 0, -1]");
}

TEST_CASE("shape: contiguous strides are row-major, and never zero") {
  CHECK(contiguous_strides(Shape{2, 3, 4}) == Shape{12, 4, 1});
  CHECK(contiguous_strides(Shape{}) == Shape{});
  CHECK(contiguous_strides(Shape{2, 0, 3}) == Shape{3, 3, 1});
}

TEST_CASE("shape: negative axes count from the end") {
  CHECK(normalize_axis("sum", 0, 3) == 0);
  CHECK(normalize_axis("sum", 2, 3) == 2);
  CHECK(normalize_axis("sum", -1, 3) == 2);
  CHECK(normalize_axis("sum", -3, 3) == 0);
  CHECK(normalize_axis("sum", 0, 0) == 0);
  CHECK(normalize_axis("sum", -1, 0) == 0);
}

TEST_CASE("shape: an axis out of range names the operation, the axis and the rank") {
  CHECK(text_of<IndexError>([] { normalize_axis("sum", 3, 3); }) == "sum: axis 3 is out of range for 3 axes");
  CHECK(text_of<IndexError>([] { normalize_axis("sum", -4, 3); }) == "sum: axis -4 is out of range for 3 axes");
  CHECK(text_of<IndexError>([] { normalize_axis("max", 1, 1); }) == "max: axis 1 is out of range for 1 axis");
  CHECK(text_of<IndexError>([] { normalize_axis("max", 1, 0); }) == "max: axis 1 is out of range for 0 axes");
}

TEST_CASE("shape: whether elements can be counted") {
  CHECK(is_countable({}));
  CHECK(is_countable({2, 0, 3}));
  CHECK(is_countable({Index{1} << 60}));
  CHECK_FALSE(is_countable({Index{1} << 60, 2}));
  CHECK_FALSE(is_countable({Index{1} << 40, Index{1} << 40, 0}));
  CHECK_FALSE(is_countable({-1}));
}

TEST_CASE("shape: broadcasting aligns the last axes and stretches size 1") {
  CHECK(broadcast_shapes("add", {2, 3}, {3}) == Shape{2, 3});
  CHECK(broadcast_shapes("add", {3}, {2, 3}) == Shape{2, 3});
  CHECK(broadcast_shapes("add", {4, 1, 3}, {5, 1}) == Shape{4, 5, 3});
  CHECK(broadcast_shapes("add", {}, {2}) == Shape{2});
  CHECK(broadcast_shapes("add", {}, {}) == Shape{});
  CHECK(broadcast_shapes("add", {1}, {0}) == Shape{0});
  CHECK(broadcast_shapes("add", {2, 0}, {1, 1}) == Shape{2, 0});
}

TEST_CASE("shape: shapes that do not broadcast are named in the order of the arguments") {
  CHECK(text_of<ShapeError>([] {
          broadcast_shapes("add", {2, 3}, {4});
        }) == "add: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK(text_of<ShapeError>([] {
          broadcast_shapes("mul", {3, 1}, {5, 2, 1});
        }) == "mul: shapes do not broadcast: a [3, 1], b [5, 2, 1] differ at axis -2");
  CHECK(text_of<ShapeError>([] { broadcast_shapes("mul", {2}, {0}); }) ==
        "mul: shapes do not broadcast: a [2], b [0] differ at axis -1");
}

TEST_CASE("shape: a stretched axis is read with stride 0") {
  const auto strides = [](const Shape& s, const Shape& target) {
    return broadcast_strides(s, contiguous_strides(s), target);
  };
  CHECK(strides({3}, {2, 3}) == Shape{0, 1});
  CHECK(strides({2, 1}, {2, 3}) == Shape{1, 0});
  CHECK(strides({2, 3}, {2, 3}) == Shape{3, 1});
  CHECK(strides({}, {2, 3}) == Shape{0, 0});
}
