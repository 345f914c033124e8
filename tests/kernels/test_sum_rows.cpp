#include <cstring>
#include <random>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <gloss/kernels/sum_rows.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEMPLATE_TEST_CASE("sum_rows: every column's sum, and nothing beyond", "", float, double) {
  using T = TestType;
  for (const Index rows : {0, 1, 3, 127, 128, 129, 300})
    for (const Index n : {1, 2, 7, 16, 17, 64, 127, 128, 129, 300}) {
      std::vector<T> x(std::size_t(rows * n)), y(std::size_t(n + 1), T(-1));
      std::vector<T> expected(std::size_t(n + 1), T(0));
      expected.back() = T(-1);
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < n; ++j) {
          const T value = T((i * 31 + j * 17) % 64 - 32);  // small whole numbers: no rounding
          x[std::size_t(i * n + j)] = value;
          expected[std::size_t(j)] += value;
        }
      kernels::sum_rows(rows, n, x.data(), y.data());
      CAPTURE(rows, n);
      CHECK(y == expected);
    }
}

#ifdef _OPENMP
TEST_CASE("sum_rows: any number of threads gives the same bits") {
  std::mt19937 engine(3);
  std::uniform_real_distribution<float> uniform(-1, 1);
  const Index rows = 1000, n = 1111;
  std::vector<float> x(std::size_t(rows * n)), one(static_cast<std::size_t>(n)), many(static_cast<std::size_t>(n));
  for (float& v : x) v = uniform(engine);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  kernels::sum_rows(rows, n, x.data(), one.data());
  for (const int threads : {2, 3, 4, 8}) {
    omp_set_num_threads(threads);
    kernels::sum_rows(rows, n, x.data(), many.data());
    CHECK(std::memcmp(one.data(), many.data(), one.size() * sizeof(float)) == 0);
  }
  omp_set_num_threads(before);
}
#endif

TEST_CASE("sum_rows: a million rows of floats keep their digits") {
  const Index rows = 1'000'000, n = 3;
  const std::vector<float> x(static_cast<std::size_t>(rows * n), 0.1f);
  std::vector<float> y(3);
  kernels::sum_rows(rows, n, x.data(), y.data());
  for (const float sum : y) CHECK(static_cast<double>(sum) == Approx(100'000.0).epsilon(5e-6));
}
