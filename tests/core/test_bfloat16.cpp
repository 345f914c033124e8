#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gloss/core/bfloat16.hpp>
#include <gloss/core/rng.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

float from_word(std::uint32_t u) { return std::bit_cast<float>(u); }

// Nearest of the two neighbours by comparing distances in double, ties to the even one. All in exact arithmetic.
std::uint16_t nearest(float x) {
  const std::uint32_t low = std::bit_cast<std::uint32_t>(x) >> 16;
  const double down = double(x) - double(from_word(low << 16));
  const double step = std::ldexp(1.0, std::max(std::ilogb(x), -126) - 7);  // distance of neighbours in this binade
  const double up = step - std::abs(down);
  const bool round_up = std::abs(down) > up || (std::abs(down) == up && (low & 1u));
  return static_cast<std::uint16_t>(low + (round_up ? 1 : 0));
}

}  // namespace

TEST_CASE("bfloat16: takes two bytes, and is zero by default") {
  STATIC_REQUIRE(sizeof(bfloat16) == 2);
  CHECK(float(bfloat16()) == 0.0f);
}

TEST_CASE("bfloat16: every finite bit pattern survives the way to float and back") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const bfloat16 b = bfloat16::from_bits(static_cast<std::uint16_t>(bits));
    const float f = float(b);
    if (std::isnan(f))
      wrong += !std::isnan(float(bfloat16(f)));
    else
      wrong += bfloat16(f).bits != bits;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16: rounds to nearest, ties to even") {
  CHECK(bfloat16(1.0f).bits == 0x3F80);
  CHECK(bfloat16(from_word(0x3F808000)).bits == 0x3F80);  // halfway, even below
  CHECK(bfloat16(from_word(0x3F808001)).bits == 0x3F81);
  CHECK(bfloat16(from_word(0x3F818000)).bits == 0x3F82);  // halfway, even above
  CHECK(bfloat16(from_word(0x3F817FFF)).bits == 0x3F81);
  CHECK(bfloat16(from_word(0x3FFF8000)).bits == 0x4000);  // carries into the exponent
  CHECK(bfloat16(from_word(0xBF818000)).bits == 0xBF82);
}

TEST_CASE("bfloat16: agrees with the nearest neighbour for random floats of every size") {
  Rng rng(1);
  int wrong = 0;
  for (int i = 0; i < 200'000; ++i) {
    const float x = from_word(rng());
    if (!std::isfinite(x) || x == 0) continue;
    wrong += bfloat16(x).bits != nearest(x);
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16: too large becomes infinity, infinity stays, zero keeps its sign") {
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(float(bfloat16(std::numeric_limits<float>::max())) == inf);
  CHECK(float(bfloat16(-std::numeric_limits<float>::max())) == -inf);
  CHECK(bfloat16(inf).bits == 0x7F80);
  CHECK(bfloat16(-inf).bits == 0xFF80);
  CHECK(bfloat16(-0.0f).bits == 0x8000);
  CHECK(bfloat16(from_word(0x00000001)).bits == 0);  // the smallest subnormal
}

TEST_CASE("bfloat16: NaN stays NaN, whatever its payload") {
  for (const std::uint32_t word : {0x7F800001u, 0x7F80FFFFu, 0x7FFFFFFFu, 0xFF800001u, 0xFFFFFFFFu, 0x7FC00000u})
    CHECK(std::isnan(float(bfloat16(from_word(word)))));
  CHECK(bfloat16(from_word(0xFF800001)).bits >> 15 == 1);
  CHECK_FALSE(bfloat16(from_word(0x7FC00000)) == bfloat16(from_word(0x7FC00000)));
}

TEST_CASE("bfloat16: compares as a number") {
  CHECK(bfloat16(0.0f) == bfloat16(-0.0f));
  CHECK(bfloat16(1.5f) == bfloat16(1.5f));
  CHECK_FALSE(bfloat16(1.5f) == bfloat16(1.25f));
}
