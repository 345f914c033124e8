// Sizes, counts and positions that no tensor has: refused, or taken for what they mean, never wrapped around.
#include <gloss/gloss.hpp>
#include <gloss/ops/in_place.hpp>

#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;
using F = Tensor<float>;
using Ids = Tensor<std::int64_t>;

namespace {
constexpr Index most = INT64_MAX, least = INT64_MIN, wide = Index{1} << 32, huge = Index{1} << 60;
}

TEST_CASE("views: sizes that multiply to the right number only by wrapping around are refused") {
  const F none = empty<float>({0, 3}), one = scalar<float>(3);
  CHECK_ERROR(none.view({wide, wide}), ShapeError, "view: too many elements in [4294967296, 4294967296]");
  CHECK_ERROR(one.view({7, 7905747460161236407}), ShapeError, "view: too many elements in [7, 7905747460161236407]");
  CHECK_ERROR(none.reshape({wide, -1, wide}), ShapeError, "reshape: too many elements in [4294967296, -1, 4294967296]");
  CHECK_ERROR(none.unflatten(0, {wide, wide}), ShapeError, "unflatten: too many elements in [4294967296, 4294967296]");
  CHECK_ERROR(one.expand({wide, wide}), ShapeError, "expand: too many elements in [4294967296, 4294967296]");
  CHECK_ERROR(from_vector(std::vector<float>{}, {wide, wide}), ShapeError,
              "empty: too many elements in [4294967296, 4294967296]");
}

TEST_CASE("views: a step, length or number of pieces beyond the axis takes what there is, or is refused") {
  const F x = arange<float>(6).view({2, 3});
  CHECK(same_bits(x.slice(1, 0, 3, most), F{{0}, {3}}));
  CHECK(same_bits(x.slice(1, least, most, most), F{{0}, {3}}));
  CHECK(x.slice(1, 2, 1, most).shape() == Shape{2, 0});
  CHECK(same_bits(x.unfold(1, 1, most), F{{{0}}, {{3}}}));
  CHECK(x.chunk(most, 1).size() == 3);
  CHECK(x.split(most, 1).size() == 1);
  CHECK_ERROR(x.narrow(1, 1, most), IndexError,
              "narrow: 9223372036854775807 positions from 1 leave axis 1 of shape [2, 3]");
  CHECK_ERROR(x.narrow(1, most, most), IndexError,
              "narrow: 9223372036854775807 positions from 9223372036854775807 leave axis 1 of shape [2, 3]");
  CHECK_ERROR(x.split(std::vector<Index>{most, most, 5}, 1), ShapeError,
              "split: size 9223372036854775807 is too large for axis 1 of shape [2, 3]");
  const auto y = x.clone().requires_grad_();
  sum(y.slice(1, 1, 3, most) + y.unfold(1, 1, most).view({2, 1})).backward();
  CHECK(same_bits(y.grad(), F{{1, 1, 0}, {1, 1, 0}}));
}

TEST_CASE("arange and randint: a range as wide as the whole numbers") {
  CHECK(same_bits(arange<std::int64_t>(least, most, most), Ids{least, -1, most - 1}));
  CHECK_ERROR(arange<std::int64_t>(least, most), Error,
              "arange: 18446744073709551615 numbers from -9223372036854775808 to 9223372036854775807");
  CHECK_ERROR(randint(least, most, {3}), Error,
              "randint: empty or too wide range [-9223372036854775808, 9223372036854775807)");
}

TEST_CASE("repeat, pad, diag_embed: results too large for any memory are refused") {
  const F x = arange<float>(6).view({2, 3}), none = empty<float>({0, 3});
  CHECK_THROWS_AS(repeat(x, {most, most}), ShapeError);
  CHECK_THROWS_AS(repeat(none, {most, most}), ShapeError);
  CHECK_THROWS_AS(repeat_interleave(x, most, 0), ShapeError);
  CHECK_THROWS_AS(repeat_interleave(x, Ids{most, most}, 0), ShapeError);
  CHECK_THROWS_AS(repeat_interleave(x, Ids{huge, 1}, 0), Error);
  CHECK_ERROR(pad(x, {most, most}), ShapeError, "pad: widths [9223372036854775807, 9223372036854775807] are too large");
  CHECK_THROWS_AS(pad(x, {least, 0}), ShapeError);
  CHECK_THROWS_AS(pad(x, {huge, 0}), Error);
  CHECK_ERROR(diag_embed(x, least), ShapeError, "diag_embed: offset -9223372036854775808 is too large");
  CHECK_THROWS_AS(diag_embed(x, most), ShapeError);
}

TEST_CASE("pad: what is cropped must be there, whatever is added at the other end") {
  const F x = arange<float>(6).view({2, 3});
  CHECK_ERROR(pad(x, {-5, 5}), ShapeError, "pad: widths [-5, 5] leave nothing of axis 1 of shape [2, 3]");
  CHECK_ERROR(pad(x, {5, -5}), ShapeError, "pad: widths [5, -5] leave nothing of axis 1 of shape [2, 3]");
  CHECK(same_bits(pad(x, {-3, 1}), F{{0}, {0}}));
}

TEST_CASE("triu and tril: a diagonal beyond the matrix leaves nothing or all") {
  const F x = ones<float>({2, 3}), nothing = zeros<float>({2, 3});
  CHECK(same_bits(triu(x, most), nothing));
  CHECK(same_bits(triu(x, least), x));
  CHECK(same_bits(tril(x, most), x));
  CHECK(same_bits(tril(x, least), nothing));
  CHECK(triu_indices(most, 0).shape() == Shape{2, 0});
}

TEST_CASE("bincount and one_hot: the largest id is refused") {
  CHECK_ERROR(bincount(Ids{most}), IndexError, "bincount: id 9223372036854775807 is too large");
  CHECK_THROWS_AS(one_hot(Ids{most}), IndexError);
  CHECK_ERROR(one_hot(Ids{0}, -5), IndexError, "one_hot: id 0 is out of range for -5 classes");
}

TEST_CASE("clamp: a bound that the type does not reach bounds nothing; low above high gives high, in place too") {
  const Tensor<std::uint8_t> x = {5, 250};
  CHECK(same_bits(clamp(x, -1, 300), x));
  CHECK(same_bits(clamp_(x.clone(), 6, 300), Tensor<std::uint8_t>{6, 250}));
  CHECK(same_bits(clamp_(F{1, 5}, 3, 1), F{1, 1}));
  CHECK(same_bits(clamp_(F{1, NAN}, 2, 3).slice(0, 0, 1), F{2}));
}

TEST_CASE("whole numbers in place: sums, differences and products wrap around") {
  CHECK(same_bits(add_(Ids{most}, Ids{most}, 3), Ids{-4}));
  CHECK(same_bits(sub_(Ids{least}, 1), Ids{most}));
  CHECK(same_bits(sub_(Ids{0}, least), Ids{least}));
  CHECK(same_bits(Ids{1} - least, Ids{least + 1}));
}

TEST_CASE("subtracting a number keeps the sign of zero") {
  CHECK(std::signbit((F{-0.0f} - 0).item()));
  CHECK(!std::signbit((F{0.0f} - 0).item()));
}

TEST_CASE("searches of a scalar: the value has memory of its own") {
  const F x = scalar<float>(3);
  for (const F& y : {max(x, 0).values, median(x, 0).values, kthvalue(x, 1).values, cummax(x, 0).values}) {
    CHECK(y.item() == 3);
    CHECK(y.storage() != x.storage());
  }
}

TEST_CASE("reductions: an axis of a scalar is named once") {
  CHECK(sum(scalar<float>(3), {-1}).item() == 3);
  CHECK_ERROR(sum(scalar<float>(3), {0, -1}), IndexError, "sum: axis 0 appears twice");
}
