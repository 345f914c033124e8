#include <gloss/linalg/qr.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using Inputs = std::vector<Tensor<double>>;

TEST_CASE("linalg::qr: PyTorch's values, signs included, and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_qr_q", 1e-3, linalg::qr(c["a"]).q);
  CHECK_GOLDEN_WITHIN("linalg_qr_r", 1e-3, linalg::qr(c["a"]).r);
  CHECK_GOLDEN_WITHIN("linalg_qr_complete", 1e-3, [&] {
    const auto [q, r] = linalg::qr(c["a"], linalg::QrMode::complete);
    return cat(std::vector{q, r}, -1);
  }());
}

TEST_CASE("linalg::qr: first and second derivatives of square, tall and wide matrices") {
  const auto f = [](const Inputs& in) {
    const auto [q, r] = linalg::qr(in[0]);
    return std::vector{q, r};
  };
  const Tensor<double> square = {{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}};
  for (const Tensor<double>& a : {square.clone(), square.narrow(1, 0, 2).clone(), square.narrow(0, 0, 2).clone()}) {
    a.requires_grad_();
    CHECK(gradcheck(f, {a}));
    CHECK(gradgradcheck(f, {a}));
  }
}

TEST_CASE("linalg::qr: modes") {
  using linalg::QrMode;
  const Tensor<double> a = randn<double>({2, 5, 3});
  const auto [q, r] = linalg::qr(a, QrMode::complete);
  CHECK(q.shape() == Shape{2, 5, 5});
  CHECK(r.shape() == Shape{2, 5, 3});
  CHECK(gloss_test::difference(matmul(q, r), a) < 1e-14);
  CHECK(gloss_test::difference(matmul(q.transpose(1, 2), q), eye<double>(5).expand({2, 5, 5})) < 1e-14);
  CHECK(gloss_test::same_bits(linalg::qr(a, QrMode::r).r, linalg::qr(a).r));
  CHECK(linalg::qr(a, QrMode::r).q.shape() == Shape{0});
  CHECK(gloss_test::same_bits(linalg::qr(empty<double>({3, 0}), QrMode::complete).q, eye<double>(3)));
}

TEST_CASE("linalg::qr: what has no gradient, and wrong shapes, are named") {
  using linalg::QrMode;
  const Tensor<double> a = ones<double>({3, 2});
  a.requires_grad_();
  CHECK_ERROR(linalg::qr(ones<double>({3})), ShapeError, "linalg::qr: a matrix is wanted, shape is [3]");
  CHECK_ERROR(sum(linalg::qr(a, QrMode::r).r).backward(), GradError, "linalg::qr: without q there is no gradient");
  CHECK_ERROR(sum(linalg::qr(a, QrMode::complete).r).backward(), GradError,
              "linalg::qr: a complete q [3, 3] of 2 columns has no gradient");
}
