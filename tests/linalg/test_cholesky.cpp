#include <gloss/linalg/cholesky.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("linalg::cholesky: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_cholesky", 1e-4, linalg::cholesky(c["a"], {.upper = c.integer("upper") == 1}));
}

TEST_CASE("linalg::cholesky: first and second derivatives") {
  const Tensor<double> a = {{{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}}, {{3, -1, 0}, {2, 5, 1}, {0.5, 0, 2}}};
  a.requires_grad_();
  for (const bool upper : {false, true}) {
    const auto f = [&](const std::vector<Tensor<double>>& in) {
      return linalg::cholesky(matmul(in[0], in[0].transpose(1, 2)), {.upper = upper});
    };
    CHECK(gradcheck(f, {a}));
    CHECK(gradgradcheck(f, {a}));
  }
}

TEST_CASE("linalg::cholesky: one triangle is read, what is not positive definite is named") {
  const Tensor<double> a = {{4, 99}, {2, 5}};
  CHECK(gloss_test::same_bits(linalg::cholesky(a), Tensor<double>{{2, 0}, {1, 2}}));
  CHECK(gloss_test::same_bits(linalg::cholesky(a.t(), {.upper = true}), Tensor<double>{{2, 1}, {0, 2}}));
  const Tensor<double> batch = stack(std::vector{a, -a, full<double>({2, 2}, NAN)});
  CHECK_ERROR(linalg::cholesky(batch), Error, "linalg::cholesky: matrix 1 of the batch is not positive definite");
  CHECK_ERROR(linalg::cholesky(batch[2]), Error, "linalg::cholesky: the matrix is not positive definite");
  CHECK_ERROR(linalg::cholesky(ones<double>({2, 3})), ShapeError,
              "linalg::cholesky: a square matrix is wanted, shape is [2, 3]");
}
