#include <gloss/linalg/det.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using Inputs = std::vector<Tensor<double>>;

TEST_CASE("linalg::det, slogdet: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_det", 1e-4, linalg::det(c["a"]));
  CHECK_GOLDEN_WITHIN("linalg_slogdet", 1e-4, linalg::slogdet(c["a"]).logabsdet);
}

TEST_CASE("linalg::det, slogdet: signs, and what does not overflow") {
  const Tensor<double> swapped = {{0, 1}, {1, 0}};
  CHECK(linalg::det(swapped).item() == -1);
  CHECK(linalg::slogdet(swapped).sign.item() == -1);
  CHECK(linalg::slogdet(swapped).logabsdet.item() == 0);
  CHECK(linalg::det(empty<double>({2, 0, 0})).shape() == Shape{2});
  CHECK(linalg::det(empty<double>({0, 0})).item() == 1);
  const Tensor<float> large = eye<float>(50) * 1e3f;
  CHECK(std::isinf(linalg::det(large).item()));
  CHECK(linalg::slogdet(large).logabsdet.item() == Approx(50 * std::log(1e3)));
  const auto [sign, logabsdet] = linalg::slogdet(ones<float>({2, 2}));
  CHECK(sign.item() == 0);
  CHECK(logabsdet.item() == -INFINITY);
}

TEST_CASE("linalg::det, slogdet: first and second derivatives, of det at singular matrices, too") {
  const Tensor<double> regular = {{{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}}, {{3, -1, 0}, {2, 5, 1}, {0.5, 0, 2}}};
  const Tensor<double> singular = {{1, 2, 0}, {2, 4, 0}, {1, 0, 3}};
  regular.requires_grad_(), singular.requires_grad_();
  const auto det = [](const Inputs& in) { return linalg::det(in[0]); };
  const auto log = [](const Inputs& in) { return linalg::slogdet(in[0]).logabsdet; };
  CHECK(gradcheck(det, {regular}));
  CHECK(gradgradcheck(det, {regular}));
  CHECK(gradcheck(log, {regular}));
  CHECK(gradgradcheck(log, {regular}));
  CHECK(gradcheck(det, {singular}));
}

TEST_CASE("linalg::det, slogdet: wrong shapes, and slogdet's gradient of a singular matrix, are named") {
  CHECK_ERROR(linalg::det(ones<float>({2, 3})), ShapeError, "linalg::det: a square matrix is wanted, shape is [2, 3]");
  CHECK_ERROR(linalg::slogdet(ones<float>({3})), ShapeError, "linalg::slogdet: a matrix is wanted, shape is [3]");
  const Tensor<double> a = ones<double>({2, 2});
  a.requires_grad_();
  CHECK_ERROR(linalg::slogdet(a).logabsdet.backward(), Error, "linalg::slogdet: the matrix is singular");
}
