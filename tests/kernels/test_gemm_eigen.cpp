// The product on Eigen, which compilers without vector types get, against three plain loops.
#include <gloss/kernels/gemm/eigen.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "support/catch.hpp"

using namespace gloss;
using kernels::Activation;

namespace {

void check(bool trans_a, bool trans_b, Index m, Index n, Index k, float alpha, float beta, Activation activation) {
  std::mt19937 engine(static_cast<unsigned>(m * 31 + n * 7 + k));
  std::uniform_real_distribution<float> uniform(-1, 1);
  const Index lda = (trans_a ? m : k) + 1, ldb = (trans_b ? k : n) + 2, ldc = n + 3;
  std::vector<float> a(std::size_t((trans_a ? k : m) * lda)), b(std::size_t((trans_b ? n : k) * ldb)),
      bias(static_cast<std::size_t>(n)), c(std::size_t(m * ldc));
  for (auto* values : {&a, &b, &bias, &c})
    for (float& v : *values) v = uniform(engine);
  if (beta == 0) c[0] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> expected = c;
  kernels::gemm_eigen(trans_a, trans_b, m, n, k, alpha, a.data(), lda, b.data(), ldb, beta, c.data(), ldc,
                      {bias.data(), activation});
  kernels::gemm_naive(trans_a, trans_b, m, n, k, alpha, a.data(), lda, b.data(), ldb, beta, expected.data(), ldc,
                      {bias.data(), activation});
  CAPTURE(trans_a, trans_b, m, n, k, alpha, beta);
  Index wrong = 0;
  for (std::size_t i = 0; i < c.size(); ++i)
    wrong += !(std::abs(c[i] - expected[i]) <= std::numeric_limits<float>::epsilon() * float(8 + 2 * k));
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("gemm_eigen: every form agrees with three loops") {
  const Index sizes[][3] = {{1, 1, 1},    {5, 7, 0},      {1, 90, 40},  {90, 1, 40},
                            {33, 65, 17}, {300, 530, 70}, {257, 3, 300}};
  for (const auto& [m, n, k] : sizes)
    for (int form = 0; form < 4; ++form) {
      check(form & 1, form & 2, m, n, k, 1, 0, Activation::none);
      check(form & 1, form & 2, m, n, k, -0.5f, 1.5f, Activation::relu);
    }
}
