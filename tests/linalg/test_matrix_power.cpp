#include <gloss/linalg/matrix_power.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("linalg::matrix_power: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_matrix_power", 1e-4, linalg::matrix_power(c["a"], c.integer("exponent")));
}

TEST_CASE("linalg::matrix_power: power 0 is the identity, of singular matrices, too; errors") {
  CHECK(
      gloss_test::same_bits(linalg::matrix_power(zeros<float>({2, 3, 3}), 0), eye<float>(3).expand({2, 3, 3}).clone()));
  CHECK_ERROR(linalg::matrix_power(zeros<float>({2, 2}), -2), Error, "linalg::matrix_power: the matrix is singular");
  CHECK_ERROR(linalg::matrix_power(zeros<float>({2, 3}), 2), ShapeError,
              "linalg::matrix_power: a square matrix is wanted, shape is [2, 3]");
}
