#include <gloss/linalg/matrix_exp.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("linalg::matrix_exp: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_matrix_exp", 1e-4, linalg::matrix_exp(c["a"]));
}

TEST_CASE("linalg::matrix_exp: first and second derivatives, of one that is halved and one that is not") {
  const Tensor<double> a = {{{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}}, {{0.3, -1, 0}, {0.2, 0.5, 0.1}, {0.5, 0, 0.2}}};
  a.requires_grad_();
  const auto f = [](const std::vector<Tensor<double>>& in) { return linalg::matrix_exp(in[0]); };
  CHECK(gradcheck(f, {a}));
  CHECK(gradgradcheck(f, {a}));
}

TEST_CASE("linalg::matrix_exp: of a diagonal, e to its elements; a batch has the bits of its matrices") {
  CHECK(gloss_test::difference(linalg::matrix_exp(Tensor<double>{{20, 0}, {0, -20}}),
                               Tensor<double>{{std::exp(20), 0}, {0, std::exp(-20)}}) < 1e-13);
  const Tensor<float> a = randn<float>({3, 5, 5}) * Tensor<float>{{{0.1f}}, {{1}}, {{30}}};
  const Tensor<float> all = linalg::matrix_exp(a);
  for (Index i = 0; i < 3; ++i) CHECK(gloss_test::same_bits(all[i], linalg::matrix_exp(a[i])));
  CHECK_ERROR(linalg::matrix_exp(ones<float>({2, 3})), ShapeError,
              "linalg::matrix_exp: a square matrix is wanted, shape is [2, 3]");
}
