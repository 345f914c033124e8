// Integers, booleans, comparisons and conversions against PyTorch, bit by bit.
#include <gloss/gloss.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace gloss_test {
using Everything = Types<double, bfloat16, bool, std::int64_t, std::int32_t, std::uint8_t>;
using NumbersAndDouble = Types<double, std::int64_t, std::int32_t, std::uint8_t>;
using AllNumbers = Types<double, bool, std::int64_t, std::int32_t, std::uint8_t>;
using Sources = Types<bfloat16, bool, std::int64_t>;
using WithDouble = Types<double, std::int64_t>;
}  // namespace gloss_test

TEST_CASE("golden: comparisons and logic are PyTorch's for every element type", "[ops]") {
  CHECK_GOLDEN_EXACT("eq", Everything, c["a"] == c["b"]);
  CHECK_GOLDEN_EXACT("ne", Everything, c["a"] != c["b"]);
  CHECK_GOLDEN_EXACT("lt", Everything, c["a"] < c["b"]);
  CHECK_GOLDEN_EXACT("le", Everything, c["a"] <= c["b"]);
  CHECK_GOLDEN_EXACT("gt", Everything, c["a"] > c["b"]);
  CHECK_GOLDEN_EXACT("ge", Everything, c["a"] >= c["b"]);
  CHECK_GOLDEN_EXACT("logical_and", Everything, logical_and(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("logical_or", Everything, logical_or(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("logical_xor", Everything, logical_xor(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("logical_not", NumbersAndDouble, logical_not(c["x"]));
  CHECK_GOLDEN_EXACT("isnan", NumbersAndDouble, isnan(c["x"]));
  CHECK_GOLDEN_EXACT("isinf", NumbersAndDouble, isinf(c["x"]));
  CHECK_GOLDEN_EXACT("isfinite", NumbersAndDouble, isfinite(c["x"]));
  CHECK_GOLDEN_EXACT("isclose", Integers, isclose(c["a"], c["b"]));
  CHECK_GOLDEN_VALUES("isclose", isclose(c["a"], c["b"], {.equal_nan = c.integer("equal_nan") != 0}));
}

TEST_CASE("golden: whole numbers compute as PyTorch's, overflow included", "[ops]") {
  CHECK_GOLDEN_EXACT("add", WithBool, c["a"] + c["b"]);
  CHECK_GOLDEN_EXACT("sub", Integers, c["a"] - c["b"]);
  CHECK_GOLDEN_EXACT("mul", WithBool, c["a"] * c["b"]);
  CHECK_GOLDEN_EXACT("neg", Integers, -c["x"]);
  CHECK_GOLDEN_EXACT("square", Integers, square(c["x"]));
  CHECK_GOLDEN_EXACT("cube", Integers, pow(c["x"], 3));
  CHECK_GOLDEN_EXACT("abs", NumbersAndDouble, abs(c["x"]));
  CHECK_GOLDEN_EXACT("sign", NumbersAndDouble, sign(c["x"]));
  CHECK_GOLDEN_EXACT("floor", NumbersAndDouble, floor(c["x"]));
  CHECK_GOLDEN_EXACT("clamp", Integers, clamp(c["x"], 2, 90));
  CHECK_GOLDEN_EXACT("maximum", AllNumbers, maximum(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("minimum", AllNumbers, minimum(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("bitwise_and", WithBool, c["a"] & c["b"]);
  CHECK_GOLDEN_EXACT("bitwise_or", WithBool, c["a"] | c["b"]);
  CHECK_GOLDEN_EXACT("bitwise_xor", WithBool, c["a"] ^ c["b"]);
  CHECK_GOLDEN_EXACT("bitwise_not", WithBool, ~c["x"]);
}

TEST_CASE("golden: division of whole numbers and of special values is PyTorch's", "[ops]") {
  CHECK_GOLDEN_EXACT("floor_divide", NumbersAndDouble, floor_divide(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("trunc_divide", NumbersAndDouble, trunc_divide(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("remainder", NumbersAndDouble, remainder(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("fmod", NumbersAndDouble, fmod(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("fmax", Doubles, fmax(c["a"], c["b"]));
  CHECK_GOLDEN_EXACT("fmin", Doubles, fmin(c["a"], c["b"]));
}

TEST_CASE("golden: reductions of whole numbers and booleans are PyTorch's", "[ops]") {
  CHECK_GOLDEN_EXACT("sum", WithBool, sum(c["x"]));
  CHECK_GOLDEN_EXACT("sum_axis", WithBool, sum(c["x"], 1));
  CHECK_GOLDEN_EXACT("prod", WithBool, prod(c["x"]));
  CHECK_GOLDEN_EXACT("prod_axis", WithBool, prod(c["x"], 1));
  CHECK_GOLDEN_EXACT("amax", WithBool, amax(c["x"]));
  CHECK_GOLDEN_EXACT("amax_axis", WithBool, amax(c["x"], 1));
  CHECK_GOLDEN_EXACT("amin", WithBool, amin(c["x"]));
  CHECK_GOLDEN_EXACT("amin_axis", WithBool, amin(c["x"], 1));
  CHECK_GOLDEN_EXACT("count_nonzero", WithBool, count_nonzero(c["x"]));
  CHECK_GOLDEN_EXACT("count_nonzero_axis", WithBool, count_nonzero(c["x"], 1));
  CHECK_GOLDEN_EXACT("any", WithBool, any(c["x"]));
  CHECK_GOLDEN_EXACT("any_axis", WithBool, any(c["x"], 1));
  CHECK_GOLDEN_EXACT("all", WithBool, all(c["x"]));
  CHECK_GOLDEN_EXACT("all_axis", WithBool, all(c["x"], 1));
  CHECK_GOLDEN_EXACT("max_axis", Integers, max(c["x"], 0).values);
  CHECK_GOLDEN_EXACT("argmax", WithBool, argmax(c["x"], -1));
  CHECK_GOLDEN_EXACT("argmin", Integers, argmin(c["x"]));
  CHECK_GOLDEN_EXACT("cumsum", WithBool, cumsum(c["x"], 1));
  CHECK_GOLDEN_EXACT("cumprod", Integers, cumprod(c["x"], 1));
  CHECK_GOLDEN_EXACT("cummax", WithBool, cummax(c["x"], 1).indices);
  CHECK_GOLDEN_EXACT("median", Integers, median(c["x"], 1).values);
}

TEST_CASE("golden: conversions are PyTorch's, beyond the range of the target too", "[ops]") {
  CHECK_GOLDEN_EXACT("cast_to_int64", WithDouble, cast<std::int64_t>(c["x"]));
  CHECK_GOLDEN_EXACT("cast_to_int32", WithDouble, cast<std::int32_t>(c["x"]));
  CHECK_GOLDEN_EXACT("cast_to_uint8", WithDouble, cast<std::uint8_t>(c["x"]));
  CHECK_GOLDEN_EXACT("cast_to_bool", WithDouble, cast<bool>(c["x"]));
  CHECK_GOLDEN_EXACT("cast_to_bfloat16", WithDouble, cast<bfloat16>(c["x"]));
  CHECK_GOLDEN_EXACT("cast_to_float64", Sources, cast<double>(c["x"]));
}
