#include <gloss/linalg/solve_triangular.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {
linalg::SolveTriangularOptions options_of(const gloss_test::CaseData& c) {
  return {.upper = c.integer("upper") == 1, .left = c.integer("left") == 1, .unitriangular = c.integer("unit") == 1};
}
}  // namespace

TEST_CASE("linalg::solve_triangular: PyTorch's values and gradients") {
  CHECK_GOLDEN("linalg_solve_triangular", linalg::solve_triangular(c["a"], c["b"], options_of(c)));
}

TEST_CASE("linalg::solve_triangular: first and second derivatives") {
  const Tensor<double> a = {{2, 1, 0.5}, {0.25, 3, -1}, {1, 2, 1.5}}, b = {{1, 2}, {-0.5, 3}, {0.75, -1}};
  a.requires_grad_(), b.requires_grad_();
  for (const bool upper : {false, true})
    for (const bool unit : {false, true}) {
      const auto f = [&](const std::vector<Tensor<double>>& in) {
        return linalg::solve_triangular(in[0], in[1], {.upper = upper, .unitriangular = unit});
      };
      CHECK(gradcheck(f, {a, b}));
      CHECK(gradgradcheck(f, {a, b}));
    }
}

TEST_CASE("linalg::solve_triangular: a zero on the diagonal gives infinity, wrong shapes are named") {
  CHECK(std::isinf(linalg::solve_triangular(zeros<double>({1, 1}), ones<double>({1, 1})).item()));
  CHECK_ERROR(linalg::solve_triangular(ones<double>({2, 3}), ones<double>({2, 1})), ShapeError,
              "linalg::solve_triangular: a square matrix is wanted, shape is [2, 3]");
  CHECK_ERROR(linalg::solve_triangular(eye<double>(2), ones<double>({2})), ShapeError,
              "linalg::solve_triangular: a [2, 2] and b [2] do not fit");
  CHECK_ERROR(linalg::solve_triangular(eye<double>(2), ones<double>({2, 3}), {.left = false}), ShapeError,
              "linalg::solve_triangular: a [2, 2] and b [2, 3] do not fit");
}
