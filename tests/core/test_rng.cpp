#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include <gloss/core/rng.hpp>

#include "support/catch.hpp"

using namespace gloss;

using Words = std::array<std::uint32_t, 4>;

TEST_CASE("rng: philox gives the published known answers") {
  // Source: the kat_vectors file of Random123, lines "philox4x32 10".
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("rng: philox works at compile time") { STATIC_REQUIRE(philox({0, 0, 0, 0}, {0, 0})[0] == 0x6627e8d5); }

TEST_CASE("rng: seed, stream and position fill key and counter") {
  const RandomBlock block{.seed = 0x0000000200000001, .stream = 0x0000000400000003, .first = 0x0000000600000005};
  CHECK(block.words(0) == philox({5, 6, 3, 4}, {1, 2}));
  CHECK(block.words(2) == philox({7, 6, 3, 4}, {1, 2}));
  CHECK(block.word(0) == block.words(0)[0]);
  CHECK(block.word(7) == block.words(1)[3]);
}

TEST_CASE("rng: the counter carries into its upper word") {
  const RandomBlock block{.seed = 0, .stream = 0, .first = 0xffffffff};
  CHECK(block.words(1) == philox({0, 1, 0, 0}, {0, 0}));
}

TEST_CASE("rng: scalar draws are the words of the stream in order") {
  Rng rng(42, 7);
  const RandomBlock block{.seed = 42, .stream = 7, .first = 0};
  for (std::uint64_t i = 0; i < 10; ++i) CHECK(rng() == block.word(i));
  CHECK(rng.take(5) == 10);  // the words 10 to 14
  CHECK(rng() == block.word(15));
}

TEST_CASE("rng: reserve moves past whole blocks, and never hands out a word twice") {
  Rng rng(1);
  CHECK(rng.reserve(0).first == 0);
  CHECK(rng.position() == 0);
  CHECK(rng.reserve(1).first == 0);
  CHECK(rng.position() == 1);
  CHECK(rng.reserve(5).first == 1);
  CHECK(rng.position() == 3);
  const std::uint32_t scalar = rng();
  CHECK(scalar == RandomBlock{.seed = 1, .stream = 0, .first = 3}.word(0));
  CHECK(rng.reserve(4).first == 4);  // the rest of block 3 is given up
  CHECK(rng() == RandomBlock{.seed = 1, .stream = 0, .first = 5}.word(0));
}

TEST_CASE("rng: seed, stream and position restore the state") {
  Rng a(3, 4);
  a.reserve(100);
  Rng b(a.seed(), a.stream());
  b.set_position(a.position());
  for (int i = 0; i < 8; ++i) CHECK(a() == b());
}

TEST_CASE("rng: a copy repeats what the original draws") {
  Rng a(5);
  a();
  Rng b = a;
  for (int i = 0; i < 8; ++i) CHECK(a() == b());
}

TEST_CASE("rng: streams and seeds differ in every word") {
  Rng a(1, 0), b(1, 1), c(2, 0);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto x = a(), y = b(), z = c();
    equal += (x == y) + (x == z) + (y == z);
  }
  CHECK(equal <= 1);
}

TEST_CASE("rng: uniform numbers stay in [0, 1) and reach both ends") {
  CHECK(uniform_float(0) == 0.0f);
  CHECK(uniform_float(0xffffffff) == 1.0f - 0x1p-24f);
  CHECK(uniform_double(0, 0) == 0.0);
  CHECK(uniform_double(0xffffffff, 0xffffffff) == 1.0 - 0x1p-53);
  CHECK(uniform_float(0x80000000) == 0.5f);
  CHECK(uniform_double(0x80000000, 0) == 0.5);
}

TEST_CASE("rng: uniform numbers have the moments of the uniform distribution") {
  const int n = 200'000;
  Rng rng(11);
  double sum = 0, squares = 0, products = 0, last = 0.5;
  std::array<int, 16> bins{};
  for (int i = 0; i < n; ++i) {
    const double u = uniform_float(rng());
    sum += u;
    squares += u * u;
    products += (u - 0.5) * (last - 0.5);
    last = u;
    ++bins[static_cast<std::size_t>(u * 16)];
  }
  const double sigma = 1 / std::sqrt(12.0 * n);
  CHECK(std::abs(sum / n - 0.5) < 4 * sigma);
  CHECK(std::abs(squares / n - 1.0 / 3) < 4 * std::sqrt(4.0 / 45 / n));
  CHECK(std::abs(products / n) < 4.0 / 12 / std::sqrt(double(n)));
  double chi2 = 0;
  for (int count : bins) chi2 += (count - n / 16.0) * (count - n / 16.0) / (n / 16.0);
  CHECK(chi2 < 37.7);  // 15 degrees of freedom, 99.9 %
}

TEST_CASE("rng: below(n) is uniform over 0 .. n - 1, also where n does not divide 2^32") {
  for (const std::uint32_t n : {1u, 2u, 3u, 7u, 10u}) {
    Rng rng(n);
    std::vector<int> counts(n);
    const int draws = 20'000;
    for (int i = 0; i < draws; ++i) {
      const std::uint32_t x = rng.below(n);
      REQUIRE(x < n);
      ++counts[x];
    }
    for (const int c : counts) CHECK(std::abs(c - draws / double(n)) < 4.5 * std::sqrt(draws / double(n)));
  }
  Rng rng(9);
  int low = 0;  // 3 * 2^30 values: a biased draw would favour the first 2^30
  for (int i = 0; i < 30'000; ++i) low += rng.below(0xC0000000u) < 0x40000000u;
  CHECK(std::abs(low - 10'000) < 4.5 * std::sqrt(10'000.0 * 2 / 3));
}

TEST_CASE("rng: serves the standard library as a random bit generator") {
  STATIC_REQUIRE(std::uniform_random_bit_generator<Rng>);
  std::vector<int> v(100);
  std::iota(v.begin(), v.end(), 0);
  std::shuffle(v.begin(), v.end(), Rng(1));
  CHECK_FALSE(std::is_sorted(v.begin(), v.end()));
  CHECK(std::set<int>(v.begin(), v.end()).size() == 100);
}
