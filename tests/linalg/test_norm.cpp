#include <gloss/linalg/norm.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using linalg::MatrixNorm;

TEST_CASE("linalg: PyTorch's values and gradients of norms and condition numbers") {
  CHECK_GOLDEN_WITHIN("linalg_vector_norm", 1e-5, linalg::vector_norm(c["x"], c.real("ord"), c.integer("axis")));
  CHECK_GOLDEN_WITHIN("linalg_matrix_norm", 1e-4, linalg::matrix_norm(c["x"], c.real("ord")));
  CHECK_GOLDEN_WITHIN("linalg_matrix_norm_fro", 1e-5, linalg::matrix_norm(c["x"]));
  CHECK_GOLDEN_WITHIN("linalg_matrix_norm_nuc", 1e-4, linalg::matrix_norm(c["x"], MatrixNorm::nuc));
  CHECK_GOLDEN_WITHIN("linalg_cond", 1e-3, linalg::cond(c["a"], c.real("p")));
  CHECK_GOLDEN_WITHIN("linalg_cond_fro", 1e-4, linalg::cond(c["a"], MatrixNorm::fro));
  CHECK_GOLDEN_WITHIN("linalg_cond_nuc", 1e-4, linalg::cond(c["a"], MatrixNorm::nuc));
}

TEST_CASE("linalg::norm: a vector's, a matrix's, or all elements', as axes and ord say") {
  const Tensor<double> x = {{{3, -1}, {0, 4}}, {{1, 2}, {-2, 0}}};
  CHECK(linalg::norm(x).item() == Approx(std::sqrt(35)));
  CHECK(gloss_test::same_bits(linalg::norm(x, {}, {-1}), gloss::norm(x, 2, -1)));
  CHECK(gloss_test::same_bits(linalg::norm(x, 1, {0}), gloss::norm(x, 1, 0)));
  CHECK(gloss_test::same_bits(linalg::norm(x, 1, {1, 2}), Tensor<double>{5, 3}));
  CHECK(gloss_test::same_bits(linalg::norm(x, INFINITY, {1, 2}), Tensor<double>{4, 3}));
  CHECK(linalg::norm(x[0], 1).item() == 5);
  CHECK(linalg::norm(x[0][0], 1).item() == 4);
  CHECK_ERROR(linalg::norm(x, 1), ShapeError,
              "linalg::norm: an ord without axes wants a vector or a matrix, shape is [2, 2, 2]");
}

TEST_CASE("linalg::matrix_norm: axes, their order, and keepdim") {
  const Tensor<double> x = {{{3, -1}, {0, 4}}, {{1, 2}, {-2, 0}}};
  const Tensor<double> turned = x.permute({1, 0, 2});
  CHECK(gloss_test::same_bits(linalg::matrix_norm(turned, 1, {0, 2}), Tensor<double>{5, 3}));
  CHECK(gloss_test::same_bits(linalg::matrix_norm(turned, 1, {2, 0}), linalg::matrix_norm(turned, INFINITY, {0, 2})));
  CHECK(gloss_test::same_bits(linalg::matrix_norm(turned, 1, {2, 0}, {.keepdim = true}), Tensor<double>{{{4}, {3}}}));
  CHECK_ERROR(linalg::matrix_norm(x, 3), Error,
              "linalg::matrix_norm: ord 3 is none of 1, -1, 2, -2, infinity and -infinity");
  CHECK_ERROR(linalg::matrix_norm(x, 1, {1}), ShapeError, "linalg::matrix_norm: two axes are wanted, not [1]");
  CHECK_ERROR(linalg::matrix_norm(x, 1, {1, -2}), IndexError, "linalg::matrix_norm: axis 1 is named twice");
  CHECK_ERROR(linalg::matrix_norm(x[0][0]), ShapeError, "linalg::matrix_norm: a matrix is wanted, shape is [2]");
}

TEST_CASE("linalg::cond: of singular matrices infinity, the other matrices of the batch as ever") {
  const Tensor<double> a = {{{1, 1}, {1, 1}}, {{2, 0}, {0, 1}}};
  CHECK(gloss_test::same_bits(linalg::cond(a, 1), Tensor<double>{INFINITY, 2}));
  CHECK(linalg::cond(a[1]).item() == Approx(2));
  CHECK(linalg::cond(a[1], -2).item() == Approx(0.5));
  CHECK_ERROR(linalg::cond(ones<double>({2, 3}), 1), ShapeError,
              "linalg::cond: a square matrix is wanted, shape is [2, 3]");
  CHECK_ERROR(linalg::cond(ones<double>({3})), ShapeError, "linalg::cond: a matrix is wanted, shape is [3]");
}
