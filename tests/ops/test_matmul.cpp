#include <gloss/gloss.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;

namespace {
Tensor<double> leaf(const Shape& s) { return randn<double>(s).requires_grad_(); }
}  // namespace

TEST_CASE("matmul: agrees with a plain sum for vectors, matrices, batches and views") {
  Rng rng(8);
  RngGuard use(rng);
  const auto a = randn<double>({4, 3}), b = randn<double>({3, 5});
  auto plain = [](const Tensor<double>& p, const Tensor<double>& q) {
    return sum(p.unsqueeze(-1) * q.unsqueeze(-3), -2);
  };
  CHECK(gloss_test::difference(matmul(a, b), plain(a, b)) < 1e-12);
  CHECK(gloss_test::difference(matmul(b.mT(), a.mT()), plain(a, b).mT()) < 1e-12);
  CHECK(gloss_test::difference(matmul(a.slice(0, 0, 4, 2), b.slice(1, 0, 5, 2)),
                               plain(a, b).slice(0, 0, 4, 2).slice(1, 0, 5, 2)) < 1e-12);
  const auto batch_a = randn<double>({2, 1, 4, 3}), batch_b = randn<double>({5, 3, 2});
  CHECK(gloss_test::difference(matmul(batch_a, batch_b), plain(batch_a, batch_b)) < 1e-12);
  const auto heads = randn<double>({2, 6, 3, 4}).transpose(1, 2);
  CHECK(gloss_test::difference(matmul(heads, heads.mT()), plain(heads, heads.mT())) < 1e-12);
  CHECK(matmul(a.select(0, 0), b.select(1, 0)).shape() == Shape{});
  CHECK(matmul(a, b.select(1, 0)).shape() == Shape{4});
  CHECK(matmul(a.select(0, 0), b).shape() == Shape{5});
  CHECK(matmul(batch_b, ones<double>({2})).shape() == Shape{5, 3});
}

TEST_CASE("matmul: gradients agree with difference quotients") {
  Rng rng(9);
  RngGuard use(rng);
  auto product = [](const V& x) { return matmul(x[0], x[1]); };
  CHECK(gradcheck(product, {leaf({4, 3}), leaf({3, 2})}));
  CHECK(gradcheck(product, {leaf({3}), leaf({3})}));
  CHECK(gradcheck(product, {leaf({2, 4, 3}), leaf({3, 2})}));
  CHECK(gradcheck(product, {leaf({2, 1, 4, 3}), leaf({3, 3, 2})}));
  CHECK(gradcheck([](const V& x) { return matmul(x[0].mT(), x[0]); }, {leaf({2, 3, 2, 4})}));
}

TEST_CASE("matmul: wrong sizes are named") {
  CHECK_ERROR(matmul(zeros<float>({2, 3, 4}), zeros<float>({2, 5, 6})), ShapeError,
              "matmul: inner dimensions differ: a [2, 3, 4], b [2, 5, 6]");
  CHECK_ERROR(matmul(zeros<float>({2, 3, 4}), zeros<float>({3, 4, 6})), ShapeError,
              "matmul: shapes do not broadcast: a [2], b [3] differ at axis -1");
  CHECK_ERROR(matmul(zeros<float>({}), zeros<float>({2})), ShapeError,
              "matmul: both need at least one axis: a [], b [2]");
}

TEST_CASE("matmul: empty operands give zeros or nothing") {
  CHECK(matmul(zeros<float>({0, 3}), zeros<float>({3, 2})).shape() == Shape{0, 2});
  const auto y = matmul(zeros<float>({2, 0}), zeros<float>({0, 3}));
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y.at({1, 2}) == 0);
}

TEST_CASE("linear: equals the composed form, gradients and relu included") {
  Rng rng(10);
  RngGuard use(rng);
  const auto x = leaf({2, 3, 4}), w = leaf({5, 4}), b = leaf({5});
  for (const auto act : {Activation::none, Activation::relu}) {
    const auto composed = [&](const V& v) {
      auto y = matmul(v[0], v[1].mT()) + v[2];
      return act == Activation::relu ? relu(y) : y;
    };
    const auto fused = [&](const V& v) { return linear(v[0], v[1], v[2], act); };
    CHECK(gloss_test::difference(fused({x, w, b}), composed({x, w, b})) < 1e-12);
    CHECK(gradcheck(fused, {x, w, b}));
    const auto g = grad(sum(fused({x, w, b})), {x, w, b}, {.create_graph = true});
    CHECK(gloss_test::difference(g[1], grad(sum(composed({x, w, b})), {w})[0]) < 1e-12);
  }
  CHECK(gradcheck([](const V& v) { return linear(v[0].transpose(0, 1), v[1]); }, {x, w}));
}

TEST_CASE("linear: wrong sizes are named") {
  CHECK_ERROR(linear(zeros<float>({2, 3}), zeros<float>({5, 4})), ShapeError,
              "linear: x [2, 3] does not end in in_features of weight [5, 4]");
  CHECK_ERROR(linear(zeros<float>({2, 4}), zeros<float>({5, 4}), zeros<float>({4})), ShapeError,
              "linear: bias [4] does not match out_features of weight [5, 4]");
}

TEST_CASE("matmul: an empty inner axis gives zeros, also for a batch on the left alone", "[ops]") {
  const Tensor<double> a = zeros<double>({2, 3, 0}).requires_grad_(), b = zeros<double>({0, 4}).requires_grad_();
  const Tensor<double> y = matmul(a, b);
  REQUIRE(y.shape() == Shape{2, 3, 4});
  CHECK(sum(abs(y)).item() == 0);
  sum(y).backward();
  CHECK(a.grad().shape() == a.shape());
  CHECK(b.grad().shape() == b.shape());
}
