// Products with weights of float in panels have the bits of products with the weights themselves, on every instruction
// set.
#include <cmath>
#include <random>
#include <vector>

#include <gloss/kernels/gemm/finish.hpp>
#include <gloss/kernels/gemm/float_weights.hpp>

#include "support/catch.hpp"
#include "support/isa.hpp"
#include "support/kernel_data.hpp"
#include "support/packed_weights.hpp"

using namespace gloss;
using kernels::Activation;
using kernels::Epilogue;
using kernels::FloatWeights;
using test::same_bits;

namespace {

std::mt19937 engine(11);

std::vector<float> random_values(Index count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::normal_distribution<float> normal;
  for (float& v : values) v = normal(engine);
  return values;
}
Index random_index(Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(engine); }

using Packed = gloss_test::PackedWeights<FloatWeights>;

void check(Index rows, Index n, Index k) {
  const Index ldx = k + random_index(0, 3), ldy = n + random_index(0, 3);
  const std::vector<float> x = random_values(rows * ldx), weight = random_values(n * k), bias = random_values(n),
                           residual = random_values(rows * ldy);
  const Packed p(n, k, weight);
  const kernels::AddFinish<float> add{residual.data(), ldy};
  const Epilogue<float> ends[] = {
      {}, {bias.data()}, {nullptr, Activation::relu}, {bias.data(), Activation::relu, add.finish, &add}};
  for (const Epilogue<float>& end : ends) {
    std::vector<float> y(std::size_t(rows * ldy), -7.0f), expected = y;
    kernels::packed_product(p.w, rows, x.data(), ldx, y.data(), ldy, end);
    kernels::gemm<float>(false, true, rows, n, k, 1, x.data(), ldx, weight.data(), k, 0, expected.data(), ldy, end);
    CAPTURE(rows, n, k);
    CHECK(same_bits(y, expected));
  }
}

}  // namespace

TEST_CASE("packed_product of float: random shapes and epilogues give the bits of gemm") {
  gloss_test::for_each_isa([] {
    for (Index rows = 0; rows <= 20; ++rows)
      for (int round = 0; round < 6; ++round) check(rows, random_index(1, 200), random_index(1, 700));
    for (int round = 0; round < 20; ++round) check(random_index(1, 250), random_index(1, 200), random_index(1, 150));
    for (const Index rows : {1, 4, 7, 17, 97})
      for (const Index k : {0, 1, 3, 16, 31, 64, 65, 127, 128, 512, 513, 1100, 2048})
        for (const Index n : {1, 8, 9, 63, 64, 65}) check(rows, n, k);
    for (const Index rows : {1, 6, 18}) check(rows, 20, 40000);
    check(5, 0, 7);
  });
}

TEST_CASE("packed_product of float: what is packed for one instruction set is multiplied by it") {
  const Index n = 70, k = 90;
  const std::vector<float> x = random_values(20 * k), weight = random_values(n * k);
  const Packed p(n, k, weight);
  for (const Index rows : {3, 20}) {
    std::vector<float> expected(std::size_t(rows * n));
    kernels::packed_product(p.w, rows, x.data(), k, expected.data(), n, {});
    gloss_test::for_each_isa([&] {
      std::vector<float> y(std::size_t(rows * n));
      kernels::packed_product(p.w, rows, x.data(), k, y.data(), n, {});
      CHECK(same_bits(y, expected));
    });
  }
}

TEST_CASE("packed_product of float: NaN and infinity go where they go in a product") {
  const Index n = 70, k = 90;
  std::vector<float> x = random_values(20 * k), weight = random_values(n * k);
  x[3 * k + 89] = NAN, x[5 * k] = INFINITY, weight[69 * k + 2] = -INFINITY;
  const Packed p(n, k, weight);
  for (const Index rows : {6, 20}) {
    std::vector<float> y(std::size_t(rows * n));
    kernels::packed_product(p.w, rows, x.data(), k, y.data(), n, {});
    Index finite = 0;
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < n; ++j) finite += std::isfinite(y[std::size_t(i * n + j)]);
    CHECK(finite == (rows - 2) * (n - 1));
  }
}

TEST_CASE("unpack_row of float: the numbers") {
  gloss_test::for_each_isa([] {
    for (const Index n : {5, 70}) {
      const std::vector<float> weight = random_values(n * 9);
      const Packed p(n, 9, weight);
      for (Index j = 0; j < n; ++j) {
        std::vector<float> row(9);
        kernels::unpack_row(p.w, j, 3, row.data());
        for (std::size_t q = 0; q < 9; ++q) CHECK(row[q] == 3 * weight[std::size_t(j) * 9 + q]);
      }
    }
  });
}

TEST_CASE("packed_product of float: any number of threads gives the same bits") {
  gloss_test::for_each_isa([] { gloss_test::check_threads<FloatWeights>(random_values); });
}
