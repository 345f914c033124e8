#include <gloss/linalg/cross.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("linalg::cross: PyTorch's values and gradients") {
  CHECK_GOLDEN("linalg_cross", linalg::cross(c["a"], c["b"], c.integer("axis")));
}

TEST_CASE("linalg::cross: second derivatives, and wrong shapes") {
  const Tensor<double> a = {1, 2, 3}, b = {0.5, -1, 4};
  a.requires_grad_(), b.requires_grad_();
  const auto f = [](const std::vector<Tensor<double>>& in) { return linalg::cross(in[0], in[1]); };
  CHECK(gradgradcheck(f, {a, b}));
  CHECK_ERROR(linalg::cross(ones<float>({2, 3}), ones<float>({3})), ShapeError,
              "linalg::cross: axis -1 must have size 3 in a [2, 3] and b [3]");
  CHECK_ERROR(linalg::cross(ones<float>({4, 2}), ones<float>({4, 2})), ShapeError,
              "linalg::cross: axis -1 must have size 3 in a [4, 2] and b [4, 2]");
}
