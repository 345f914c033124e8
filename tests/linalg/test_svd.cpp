#include <gloss/linalg/svd.hpp>
#include <gloss/ops/trig.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using Inputs = std::vector<Tensor<double>>;

namespace {
/// u diag(sin s) vh, which does not depend on the signs of u and vh.
template <class T>
Tensor<T> sine(const Tensor<T>& a) {
  const auto [u, s, vh] = linalg::svd(a, {.full_matrices = false});
  return matmul(u * sin(s).unsqueeze(-2), vh);
}
/// The projection on the first vector of a full u, and of a full vh.
template <class T>
Tensor<T> left(const Tensor<T>& a) {
  const Tensor<T> u = linalg::svd(a).u.narrow(-1, 0, 1);
  return matmul(u, u.transpose(-2, -1));
}
template <class T>
Tensor<T> right(const Tensor<T>& a) {
  const Tensor<T> vh = linalg::svd(a).vh.narrow(-2, 0, 1);
  return matmul(vh.transpose(-2, -1), vh);
}
}  // namespace

TEST_CASE("linalg::svd: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_svdvals", 1e-4, linalg::svdvals(c["a"]));
  CHECK_GOLDEN_WITHIN("linalg_svd", 1e-3, sine(c["a"]));
  CHECK_GOLDEN_WITHIN("linalg_svd_left", 1e-3, left(c["a"]));
  CHECK_GOLDEN_WITHIN("linalg_svd_right", 1e-3, right(c["a"]));
}

TEST_CASE("linalg::svd: singular values at a condition of 1e10, and of rank 1, as exact as the largest is") {
  for (Index i = 0; i < gloss_test::golden_cases("linalg_ill_svdvals"); ++i) {
    const gloss_test::CaseData c("linalg_ill_svdvals", i);
    CHECK(gloss_test::difference(linalg::svdvals(c.tensor<double>("a")), c.expected("y")) < 1e-14);
    CHECK(gloss_test::difference(linalg::svdvals(c.tensor<float>("a")), c.expected("y")) < 1e-6);
  }
}

TEST_CASE("linalg::svd: first and second derivatives of square, tall and wide matrices") {
  const Tensor<double> square = {{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}};
  for (const Tensor<double>& a : {square.clone(), square.narrow(1, 0, 2).clone(), square.narrow(0, 0, 2).clone()}) {
    a.requires_grad_();
    const auto values = [](const Inputs& in) { return linalg::svdvals(in[0]); };
    const auto all = [](const Inputs& in) { return std::vector{sine(in[0]), left(in[0]), right(in[0])}; };
    CHECK(gradcheck(values, {a}));
    CHECK(gradgradcheck(values, {a}));
    CHECK(gradcheck(all, {a}));
    CHECK(gradgradcheck(all, {a}));
  }
}

TEST_CASE("linalg::svd: orthonormal vectors, full and reduced; singular values alone have the same values") {
  for (const Shape& shape : {Shape{2, 20, 7}, Shape{2, 7, 20}, Shape{2, 17, 17}}) {
    const Tensor<double> a = randn<double>(shape);
    const auto [u, s, vh] = linalg::svd(a);
    const Index m = shape[1], n = shape[2], k = s.size(-1);
    CHECK(gloss_test::difference(matmul(u.transpose(1, 2), u), eye<double>(m).expand({2, m, m})) < 1e-13);
    CHECK(gloss_test::difference(matmul(vh, vh.transpose(1, 2)), eye<double>(n).expand({2, n, n})) < 1e-13);
    CHECK(gloss_test::difference(matmul(u.narrow(-1, 0, k) * s.unsqueeze(-2), vh.narrow(-2, 0, k)), a) < 1e-13);
    CHECK(gloss_test::difference(linalg::svdvals(a), s) < 1e-13);
    const linalg::Svd<double> reduced = linalg::svd(a, {.full_matrices = false});
    CHECK(gloss_test::difference(matmul(reduced.u * reduced.s.unsqueeze(-2), reduced.vh), a) < 1e-13);
  }
  CHECK(gloss_test::same_bits(linalg::svd(empty<double>({3, 0})).u, eye<double>(3)));
}

TEST_CASE("linalg::svd: wrong shapes and numbers that are not finite are named") {
  CHECK_ERROR(linalg::svd(ones<double>({3})), ShapeError, "linalg::svd: a matrix is wanted, shape is [3]");
  CHECK_ERROR(linalg::svdvals(ones<double>({3})), ShapeError, "linalg::svdvals: a matrix is wanted, shape is [3]");
  const Tensor<double> a = ones<double>({2, 3, 3});
  a.data()[9] = NAN;
  CHECK_ERROR(linalg::svd(a), Error,
              "linalg::svd: matrix 1 of the batch has no singular values; are all its numbers finite?");
}
