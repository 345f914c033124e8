#include <gloss/linalg/inv.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("linalg::inv: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_inv", 1e-4, linalg::inv(c["a"]));
  const auto inv = [](auto& c) { return linalg::inv(c["a"]); };
  gloss_test::check_golden<double>("linalg_ill_inv", inv, 1e-8);  // at a condition of 1e6
}

TEST_CASE("linalg::inv: first and second derivatives") {
  const Tensor<double> a = {{{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}}, {{3, -1, 0}, {2, 5, 1}, {0.5, 0, 2}}};
  a.requires_grad_();
  const auto f = [](const std::vector<Tensor<double>>& in) { return linalg::inv(in[0]); };
  CHECK(gradcheck(f, {a}));
  CHECK(gradgradcheck(f, {a}));
}

TEST_CASE("linalg::inv: singular matrices and wrong shapes are named") {
  CHECK_ERROR(linalg::inv(ones<float>({4, 2, 2})), Error, "linalg::inv: matrix 0 of the batch is singular");
  CHECK_ERROR(linalg::inv(ones<float>({2, 3})), ShapeError, "linalg::inv: a square matrix is wanted, shape is [2, 3]");
}
