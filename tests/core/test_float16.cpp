#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gloss/core/float16.hpp>
#include <gloss/core/rng.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

/// What a pattern stands for, by the definition of the format.
double value_of(std::uint32_t bits) {
  const int exponent = bits >> 10 & 31;
  const double magnitude =
      exponent == 0 ? std::ldexp(double(bits & 1023), -24) : std::ldexp(1024 + double(bits & 1023), exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// The nearest of all finite patterns of this sign, ties to the even one, found by bisection; past the middle between
/// the largest and what would come next, infinity.
std::uint32_t nearest(float x) {
  const std::uint32_t sign = std::signbit(x) ? 0x8000 : 0;
  const double size = std::abs(double(x));
  if (size >= 65520) return sign | 0x7C00;
  std::uint32_t low = 0, high = 0x7BFF;
  while (low < high) {
    const std::uint32_t middle = (low + high + 1) / 2;
    if (value_of(middle) <= size)
      low = middle;
    else
      high = middle - 1;
  }
  const double down = size - value_of(low), up = value_of(low + 1) - size;
  return sign | (down < up || (down == up && low % 2 == 0) ? low : low + 1);
}

}  // namespace

TEST_CASE("float16: takes two bytes, and is zero by default") {
  STATIC_REQUIRE(sizeof(float16) == 2);
  CHECK(float(float16()) == 0.0f);
}

TEST_CASE("float16: widens every bit pattern exactly, and takes it back") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float16 h = float16::from_bits(static_cast<std::uint16_t>(bits));
    const float f = float(h);
    if ((bits & 0x7C00) == 0x7C00) {
      wrong += (bits & 1023) == 0 ? !std::isinf(f) || std::signbit(f) != (bits > 0x8000) || float16(f).bits != bits
                                  : !std::isnan(f) || !std::isnan(float(float16(f)));
      continue;
    }
    wrong += f != value_of(bits) || std::signbit(f) != (bits >= 0x8000) || float16(f).bits != bits;
  }
  CHECK(wrong == 0);
}

TEST_CASE("float16: rounds to nearest, ties to even, subnormal numbers and the largest included") {
  CHECK(float16(1.0f).bits == 0x3C00);
  CHECK(float16(-2.0f).bits == 0xC000);
  CHECK(float16(65504.0f).bits == 0x7BFF);
  CHECK(float16(std::nextafter(65520.0f, 0.0f)).bits == 0x7BFF);
  CHECK(float16(65520.0f).bits == 0x7C00);
  CHECK(float16(-1e30f).bits == 0xFC00);
  CHECK(float16(0x1p-14f).bits == 0x0400);
  CHECK(float16(0x1p-24f).bits == 0x0001);
  CHECK(float16(0x1p-25f).bits == 0x0000);  // halfway, even below
  CHECK(float16(0x1.000002p-25f).bits == 0x0001);
  CHECK(float16(0x1.8p-24f).bits == 0x0002);  // halfway, even above
  CHECK(float16(0x1p-26f).bits == 0x0000);
  CHECK(float16(-std::numeric_limits<float>::denorm_min()).bits == 0x8000);
  CHECK(float16(0x1.ffcp0f + 0x1p-11f).bits == 0x4000);  // carries into the exponent
  CHECK(std::isnan(float(float16(std::numeric_limits<float>::quiet_NaN()))));
  CHECK_FALSE(float16(std::numeric_limits<float>::quiet_NaN()) == float16(1.0f));
  CHECK(float16(0.0f) == float16(-0.0f));
}

TEST_CASE("float16: agrees with the nearest neighbour for random floats of every size") {
  Rng rng(1);
  int wrong = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto word = static_cast<std::uint32_t>(rng());
    const float anywhere = std::bit_cast<float>(word);
    const float within =
        std::ldexp(1.0f + float(word >> 9) * 0x1p-23f, static_cast<int>(word % 44) - 27);  // 2^-27 to 2^17
    for (const float x : {anywhere, within, -within})
      if (!std::isnan(x)) wrong += float16(x).bits != nearest(x);
  }
  CHECK(wrong == 0);
}
