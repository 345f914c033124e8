// Products with weights in bfloat16 against loops over rounded factors, on every instruction set.
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gloss/kernels/gemm/bfloat16_weights.hpp>
#include <gloss/kernels/gemm/finish.hpp>

#include "support/catch.hpp"
#include "support/isa.hpp"
#include "support/packed_weights.hpp"

using namespace gloss;
using kernels::Activation;
using kernels::Bfloat16Weights;
using kernels::Epilogue;

namespace {

std::mt19937 engine(7);

std::vector<float> random_values(Index count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& v : values) v = uniform(engine);
  return values;
}
Index random_index(Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(engine); }

double rounded(float x) { return static_cast<double>(float(bfloat16(x))); }

using Packed = gloss_test::PackedWeights<Bfloat16Weights>;

void check(Index rows, Index n, Index k) {
  const Index ldx = k + random_index(0, 3), ldy = n + random_index(0, 3);
  const std::vector<float> x = random_values(rows * ldx), weight = random_values(n * k), bias = random_values(n),
                           residual = random_values(rows * ldy);
  const Packed p(n, k, weight);
  const kernels::AddFinish<float> add{residual.data(), ldy};
  for (const bool relu : {false, true}) {
    const Epilogue<float> end{bias.data(), relu ? Activation::relu : Activation::none, add.finish, &add};
    std::vector<float> y(std::size_t(rows * ldy), -7.0f);
    kernels::packed_product(p.w, rows, x.data(), ldx, y.data(), ldy, end);
    Index wrong = 0;
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < ldy; ++j) {
        double sum = 0;
        for (Index q = 0; q < k && j < n; ++q)
          sum += rounded(x[std::size_t(i * ldx + q)]) * rounded(weight[std::size_t(j * k + q)]);
        if (j < n) sum += static_cast<double>(bias[std::size_t(j)]);
        if (relu && sum < 0) sum = 0;
        const double expected = j < n ? sum + static_cast<double>(residual[std::size_t(i * ldy + j)]) : -7;
        const double off = std::abs(static_cast<double>(y[std::size_t(i * ldy + j)]) - expected);
        wrong += !(off <= static_cast<double>(std::numeric_limits<float>::epsilon()) * (8 + 2 * double(k)));
      }
    CAPTURE(rows, n, k, relu);
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE("packed_product of bfloat16: random shapes and epilogues agree with loops over rounded factors") {
  gloss_test::for_each_isa([] {
    for (Index rows = 1; rows <= 20; ++rows) check(rows, random_index(1, 200), random_index(1, 300));
    for (int round = 0; round < 20; ++round) check(random_index(1, 250), random_index(1, 200), random_index(1, 150));
    check(5, 64, 64);
    check(97, 128, 4);
    check(2, 1, 1);
    check(3, 70, 2100);
    check(3, 7, 0);
  });
}

TEST_CASE("unpack_row of bfloat16: the numbers rounded, NaN and infinity kept") {
  std::vector<float> weight = random_values(70 * 9);
  weight[9] = NAN, weight[10] = INFINITY;
  const Packed p(70, 9, weight);
  for (Index j = 0; j < 70; ++j) {
    std::vector<float> row(9);
    kernels::unpack_row(p.w, j, 2, row.data());
    for (std::size_t q = 0; q < 9; ++q) {
      const float expected = 2 * float(bfloat16(weight[std::size_t(j) * 9 + q]));
      CHECK((row[q] == expected || (std::isnan(row[q]) && std::isnan(expected))));
    }
  }
}

TEST_CASE("packed_product of bfloat16: any number of threads gives the same bits") {
  gloss_test::for_each_isa([] { gloss_test::check_threads<Bfloat16Weights>(random_values); });
}
