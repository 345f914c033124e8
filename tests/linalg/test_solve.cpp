#include <gloss/linalg/solve.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using Inputs = std::vector<Tensor<double>>;

TEST_CASE("linalg::solve: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_solve", 1e-4, linalg::solve(c["a"], c["b"]));
  CHECK_GOLDEN_WITHIN("linalg_solve_right", 1e-5, linalg::solve(c["a"], c["b"], {.left = false}));
  CHECK_GOLDEN_WITHIN("linalg_solve_64", 1e-4, linalg::solve(c["a"], c["b"]));
}

TEST_CASE("linalg::solve: at a condition of 1e6 what rounding leaves") {
  const auto solve = [](auto& c) { return linalg::solve(c["a"], c["b"]); };
  gloss_test::check_golden<double>("linalg_ill_solve", solve, 1e-9);
}

TEST_CASE("linalg::solve: first and second derivatives") {
  const Tensor<double> a = {{{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}}, {{3, -1, 0}, {2, 5, 1}, {0.5, 0, 2}}};
  const Tensor<double> b = {{1, 2}, {-0.5, 3}, {0.75, -1}};
  a.requires_grad_(), b.requires_grad_();
  const auto f = [](const Inputs& in) { return linalg::solve(in[0], in[1]); };
  CHECK(gradcheck(f, {a, b}));
  CHECK(gradgradcheck(f, {a, b}));
}

TEST_CASE("linalg::solve: strided input, and the same bits for any number of matrices") {
  const Tensor<float> a = randn<float>({6, 40, 40}), b = randn<float>({6, 3, 40});
  const Tensor<float> all = linalg::solve(a.transpose(1, 2), b.transpose(1, 2));
  for (Index i = 0; i < 6; ++i) {
    const Tensor<float> one = linalg::solve(a[i].transpose(0, 1).contiguous(), b[i].transpose(0, 1).contiguous());
    CHECK(gloss_test::same_bits(all[i], one));
  }
}

TEST_CASE("linalg::solve: singular matrices and wrong shapes are named") {
  Tensor<double> a = eye<double>(3).expand({2, 2, 3, 3}).clone();
  a.data()[3 * 9 + 4] = 0;
  CHECK_ERROR(linalg::solve(a, ones<double>({3})), Error, "linalg::solve: matrix 3 of the batch is singular");
  CHECK_ERROR(linalg::solve(zeros<double>({2, 2}), ones<double>({2})), Error, "linalg::solve: the matrix is singular");
  CHECK_ERROR(linalg::solve(ones<double>({2, 3}), ones<double>({2})), ShapeError,
              "linalg::solve: a square matrix is wanted, shape is [2, 3]");
  CHECK_ERROR(linalg::solve(ones<double>({2}), ones<double>({2})), ShapeError,
              "linalg::solve: a matrix is wanted, shape is [2]");
  CHECK_ERROR(linalg::solve(eye<double>(2), ones<double>({3})), ShapeError,
              "linalg::solve: a [2, 2] and b [3, 1] do not fit");
  CHECK_ERROR(linalg::solve(eye<double>(2), ones<double>({2}), {.left = false}), ShapeError,
              "linalg::solve: x a = b wants matrices, b has shape [2]");
  CHECK_ERROR(linalg::solve(ones<double>({2, 1, 1}), ones<double>({3, 1, 1})), ShapeError,
              "linalg::solve: shapes do not broadcast: a [2], b [3] differ at axis -1");
}
