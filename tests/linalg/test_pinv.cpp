#include <gloss/linalg/pinv.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {
linalg::RankOptions options_of(const gloss_test::CaseData& c) {
  linalg::RankOptions options{.atol = c.real("atol")};
  if (c.has("rtol")) options.rtol = c.real("rtol");
  return options;
}
}  // namespace

TEST_CASE("linalg::pinv, matrix_rank: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_pinv", 1e-3, linalg::pinv(c["a"], options_of(c)));
  CHECK_GOLDEN_VALUES("linalg_matrix_rank", linalg::matrix_rank(c["a"], options_of(c)));
}

TEST_CASE("linalg::pinv: first and second derivatives") {
  const Tensor<double> a = {{4, 1}, {0.25, 3}, {1, 2}};
  for (const Tensor<double>& x : {a.clone(), a.t().clone()}) {
    x.requires_grad_();
    const auto f = [](const std::vector<Tensor<double>>& in) { return linalg::pinv(in[0]); };
    CHECK(gradcheck(f, {x}));
    CHECK(gradgradcheck(f, {x}));
  }
}

TEST_CASE("linalg::pinv, matrix_rank: an absolute limit without a relative one, and wrong shapes") {
  const Tensor<float> a = {{1, 0}, {0, 1e-30f}};
  CHECK(linalg::matrix_rank(a).item() == 1);
  CHECK(linalg::matrix_rank(a, {.atol = 1e-35}).item() == 2);
  CHECK(linalg::matrix_rank(a, {.rtol = 0}).item() == 2);
  CHECK_ERROR(linalg::pinv(ones<float>({3})), ShapeError, "linalg::pinv: a matrix is wanted, shape is [3]");
  CHECK_ERROR(linalg::matrix_rank(ones<float>({3})), ShapeError,
              "linalg::matrix_rank: a matrix is wanted, shape is [3]");
}
