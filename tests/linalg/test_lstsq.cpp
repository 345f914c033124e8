#include <gloss/linalg/lstsq.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("linalg::lstsq: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_lstsq", 1e-3, linalg::lstsq(c["a"], c["b"]).solution);
  CHECK_GOLDEN_WITHIN("linalg_lstsq_residuals", 1e-3, linalg::lstsq(c["a"], c["b"]).residuals);
}

TEST_CASE("linalg::lstsq: first and second derivatives") {
  const Tensor<double> a = {{4, 1}, {0.25, 3}, {1, 2}}, b = {{1}, {2}, {-1}};
  for (const Tensor<double>& x : {a.clone(), a.t().clone()}) {
    const Tensor<double> y = b.narrow(0, 0, x.size(0)).clone();
    x.requires_grad_(), y.requires_grad_();
    const auto f = [](const std::vector<Tensor<double>>& in) { return linalg::lstsq(in[0], in[1]).solution; };
    CHECK(gradcheck(f, {x, y}));
    CHECK(gradgradcheck(f, {x, y}));
  }
}

TEST_CASE("linalg::lstsq: ranks, the shortest solution where there are many, and what counts as zero") {
  const Tensor<double> a = {{1, 1}, {1, 1}, {1, 1}}, b = {1, 2, 6};
  const auto [x, residuals, rank] = linalg::lstsq(a, b);
  CHECK(gloss_test::difference(x, Tensor<double>{1.5, 1.5}) < 1e-14);
  CHECK(residuals.shape() == Shape{0});
  CHECK(rank.item() == 1);
  const Tensor<double> nearly = {{1, 0}, {0, 1e-8}, {0, 0}};
  CHECK(linalg::lstsq(nearly, b).rank.item() == 2);
  CHECK(linalg::lstsq(nearly, b).residuals.item() == Approx(36));
  CHECK(linalg::lstsq(nearly, b, {.rcond = 1e-6}).rank.item() == 1);
  CHECK(linalg::lstsq(ones<double>({2, 0, 3}), ones<double>({2, 0, 4})).solution.shape() == Shape{2, 3, 4});
}

TEST_CASE("linalg::lstsq: wrong shapes are named") {
  CHECK_ERROR(linalg::lstsq(ones<double>({3}), ones<double>({3})), ShapeError,
              "linalg::lstsq: a matrix is wanted, shape is [3]");
  CHECK_ERROR(linalg::lstsq(ones<double>({3, 2}), ones<double>({2})), ShapeError,
              "linalg::lstsq: a [3, 2] and b [2] do not fit");
}
