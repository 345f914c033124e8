// Floats as bfloat16, two in a word.
#include <gloss/gloss.hpp>
#include <gloss/kernels/bfloat16_pairs.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"

using namespace gloss;

TEST_CASE("pack_bfloat16: rounds as bfloat16 does, for every length, and what comes back is exact") {
  Rng rng(1);
  const RngGuard use(rng);
  for (const Index n : {0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 127, 1000, 200001}) {
    Tensor<float> x = randn<float>({n}) * exp(randn<float>({n}) * 20.0);
    if (n > 100) {
      const float inf = std::numeric_limits<float>::infinity();
      const float odd[] = {inf, -inf, -0.0f, 1e-42f, 3.4e38f, -3.39e38f, 1.00390625f, 1.01171875f};
      for (Index i = 0; i < 8; ++i) x.data()[i] = x.data()[n - 1 - i] = odd[i];
    }
    std::vector<float> words(static_cast<std::size_t>(kernels::bfloat16_words(n)));
    Tensor<float> back = zeros<float>({n});
    kernels::pack_bfloat16(n, static_cast<const float*>(x.data()), words.data());
    kernels::unpack_bfloat16(n, words.data(), back.data());
    bool signs = true;
    for (Index i = 0; i < n; ++i) signs = signs && std::signbit(back.data()[i]) == std::signbit(x.data()[i]);
    CHECK(signs);
    bool same = true;
    for (Index i = 0; i < n; ++i) same = same && back.data()[i] == float(bfloat16(x.data()[i]));
    CHECK(same);
  }
  const float nan[] = {std::bit_cast<float>(0x7F800001u), std::bit_cast<float>(0xFFC00000u), 1};
  float words[2];
  float back[3];
  kernels::pack_bfloat16(3, nan, words);
  kernels::unpack_bfloat16(3, words, back);
  CHECK((std::isnan(back[0]) && std::isnan(back[1]) && back[2] == 1));
}

TEST_CASE("round_rows_to_bfloat16: rows with a distance, and nothing behind them") {
  std::vector<float> x(3 * 40), out(3 * 37 + 1, -7.0f);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::ldexp(static_cast<float>(i * i * 7919 % 100003), -10);
  kernels::detail::round_rows_to_bfloat16(3, 37, x.data(), 40, out.data());
  bool same = true;
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t j = 0; j < 37; ++j) same = same && out[r * 37 + j] == float(bfloat16(x[r * 40 + j]));
  CHECK(same);
  CHECK(out.back() == -7);
}
