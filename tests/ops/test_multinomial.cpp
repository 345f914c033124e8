#include <algorithm>
#include <cmath>
#include <gloss/ops/multinomial.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("multinomial: with replacement positions come as often as their weights say; chi-square") {
  Rng rng(61);
  RngGuard use(rng);
  const std::vector<double> weights = {1, 0, 3, 0.5, 2, 0, 3.5, 0};
  const Index n = 100'000;
  const auto drawn = multinomial(from_vector(weights), n, true);
  std::vector<double> counts(weights.size());
  for (Index i = 0; i < n; ++i) counts.at(static_cast<std::size_t>(drawn.data()[i])) += 1;
  double chi2 = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double expected = weights[i] / 10 * static_cast<double>(n);
    if (expected == 0)
      CHECK(counts[i] == 0);
    else
      chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  CHECK(chi2 < 18.5);  // 4 degrees of freedom, 99.9 %
}

TEST_CASE("multinomial: without replacement each position comes once, the heavier ones earlier") {
  Rng rng(62);
  RngGuard use(rng);
  const Index rows = 20'000;
  const auto drawn = multinomial(Tensor<float>{1, 2, 0, 3}.expand({rows, 4}), 3);
  CHECK(drawn.shape() == Shape{rows, 3});
  std::vector<double> pairs(16);
  bool distinct = true;
  for (Index r = 0; r < rows; ++r) {
    const std::int64_t* d = drawn.data() + 3 * r;
    distinct = distinct && d[0] != d[1] && d[0] != d[2] && d[1] != d[2] && d[0] != 2 && d[1] != 2 && d[2] != 2;
    pairs.at(static_cast<std::size_t>(4 * d[0] + d[1])) += 1;
  }
  CHECK(distinct);
  double chi2 = 0;
  const double w[] = {1, 2, 0, 3};
  for (std::size_t i : {0u, 1u, 3u})
    for (std::size_t j : {0u, 1u, 3u})
      if (i != j) {
        const double expected = static_cast<double>(rows) * w[i] / 6 * w[j] / (6 - w[i]);
        chi2 += (pairs[4 * i + j] - expected) * (pairs[4 * i + j] - expected) / expected;
      }
  CHECK(chi2 < 20.5);  // 5 degrees of freedom, 99.9 %
}

TEST_CASE("multinomial: edges, views and errors") {
  CHECK(multinomial(Tensor<float>{0, 0, 5}, 1).item() == 2);
  CHECK(multinomial(Tensor<float>{0, 1e-30f, 0}, 4, true).at({3}) == 1);
  CHECK(multinomial(Tensor<float>{1, 2}, 0).shape() == Shape{0});
  CHECK(multinomial(zeros<float>({0, 3}), 2).shape() == Shape{0, 2});
  CHECK(gloss_test::values(multinomial((Tensor<double>{{0, 1}, {1, 0}}).transpose(0, 1), 1)) ==
        std::vector<std::int64_t>{1, 0});
  CHECK_ERROR(multinomial(scalar<float>(1), 1), ShapeError,
              "multinomial: weights have shape []; [n] or [rows, n] is wanted");
  CHECK_ERROR(multinomial(Tensor<float>{1, 2}, -1), Error, "multinomial: -1 samples");
  CHECK_ERROR(multinomial(Tensor<float>{1, -2}, 1), Error, "multinomial: weight -2 of row 0 is negative or not finite");
  CHECK_ERROR(multinomial(Tensor<double>{1, NAN}, 1), Error,
              "multinomial: weight nan of row 0 is negative or not finite");
  CHECK_ERROR(multinomial(Tensor<float>{{1, 2}, {0, 1}}, 2), Error,
              "multinomial: 2 weights above 0 are needed, row 1 has 1");
  CHECK_ERROR(multinomial(Tensor<float>{0, 0}, 5, true), Error,
              "multinomial: 1 weights above 0 are needed, row 0 has 0");
}
