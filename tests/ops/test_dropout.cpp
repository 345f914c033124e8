#include <cmath>

#include <gloss/ops/add.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/gelu.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/grad.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using V = std::vector<Tensor<double>>;

TEST_CASE("dropout: keeps 1 - p of the elements, scaled by 1 / (1 - p), so that the mean stays") {
  Rng rng(21);
  RngGuard use(rng);
  const Index n = 200000;
  for (const double p : {0.05, 0.1, 0.5, 0.9}) {
    const auto y = dropout(ones<float>({n}), p);
    const float scale = static_cast<float>(1 / (1 - p));
    Index kept = 0, others = 0, pairs = 0;
    for (Index i = 0; i < n; ++i) {
      const float v = y.data()[i];
      if (v != 0) ++kept;
      if (v != 0 && std::abs(v - scale) > 1e-6f * scale) ++others;
      if (i > 0 && v != 0 && y.data()[i - 1] != 0) ++pairs;
    }
    INFO("p " << p);
    CHECK(others == 0);
    const double rate = static_cast<double>(kept) / static_cast<double>(n);
    const double sigma = std::sqrt(p * (1 - p) / static_cast<double>(n));
    CHECK(std::abs(rate - (1 - p)) < 5 * sigma + 1e-5);
    // neighbours are independent
    CHECK(std::abs(static_cast<double>(pairs) / static_cast<double>(n) - (1 - p) * (1 - p)) < 0.006);
    CHECK(static_cast<double>(sum(y).item()) / static_cast<double>(n) == Approx(1).epsilon(5 * sigma / (1 - p) + 1e-5));
  }
}

TEST_CASE("dropout: the backward drops what the forward dropped") {
  for (const bool is_view : {false, true}) {
    const auto x = ones<double>({50, 41}).requires_grad_();
    const auto y = is_view ? dropout(x.transpose(0, 1), 0.3).transpose(0, 1) : dropout(x, 0.3);
    y.backward(ones<double>(y.shape()));
    CHECK(same_bits(x.grad().contiguous(), y.detach().contiguous()));  // x is 1, so y is the slope
  }
}

TEST_CASE("dropout: gradients agree with difference quotients when the draw is repeated") {
  const auto with_draw = [](auto f) {
    return [f](const V& x) {
      Rng rng(3);
      RngGuard use(rng);
      return f(x);
    };
  };
  const auto leaf = [](const Shape& s) { return randn<double>(s).requires_grad_(); };
  CHECK(gradcheck(with_draw([](const V& x) { return dropout(x[0], 0.4); }), {leaf({5, 7})}));
  CHECK(gradcheck(with_draw([](const V& x) { return dropout(x[0].transpose(0, 1), 0.4); }), {leaf({5, 7})}));
  CHECK(gradcheck(with_draw([](const V& x) { return add_dropout(x[0], x[1], 0.4); }), {leaf({5, 7}), leaf({5, 7})}));
  CHECK(gradcheck(with_draw([](const V& x) { return add_dropout(x[0], x[1].transpose(0, 1), 0.0); }),
                  {leaf({5, 7}), leaf({7, 5})}));
}

TEST_CASE("dropout: p 0 and evaluation change nothing and draw nothing, p 1 leaves nothing") {
  Rng rng(4);
  RngGuard use(rng);
  const auto x = randn<float>({9, 9}), r = randn<float>({9, 9});
  const auto position = rng.position();
  CHECK(dropout(x, 0.0).is_same(x));
  CHECK(dropout(x, 0.7, false).is_same(x));
  CHECK(same_bits(add_dropout(r, x, 0.0), r + x));
  CHECK(same_bits(add_dropout(r, x, 0.7, false), r + x));
  CHECK(rng.position() == position);
  CHECK(same_bits(dropout(x, 1.0) * 1, zeros<float>({9, 9})));
  CHECK(same_bits(add_dropout(r, x, 1.0), r));
  CHECK(dropout(zeros<float>({0, 3}), 0.5).shape() == Shape{0, 3});
  CHECK(add_dropout(zeros<float>({0}), zeros<float>({0}), 0.5).shape() == Shape{0});
}

TEST_CASE("dropout: one seed gives one mask; the next draw another") {
  const auto run = [](std::uint64_t seed) {
    Rng rng(seed);
    RngGuard use(rng);
    return V{dropout(ones<double>({1000}), 0.5), dropout(ones<double>({1000}), 0.5)};
  };
  const V a = run(1), b = run(1), c = run(2);
  CHECK(same_bits(a[0], b[0]));
  CHECK(same_bits(a[1], b[1]));
  CHECK_FALSE(same_bits(a[0], a[1]));
  CHECK_FALSE(same_bits(a[0], c[0]));
}

TEST_CASE("add_dropout: is the residual plus dropout of x") {
  const auto x = randn<float>({13, 29}), r = randn<float>({13, 29});
  Rng one(8), two(8);
  const auto fused = [&] {
    RngGuard use(one);
    return add_dropout(r, x, 0.25);
  }();
  const auto composed = [&] {
    RngGuard use(two);
    return r + dropout(x, 0.25);
  }();
  CHECK(gloss_test::difference(fused, composed) < 1e-6);
}

TEST_CASE("relu_dropout, gelu_dropout: are the two ops one after the other, with one draw") {
  const auto twice = [](auto f) {
    Rng rng(3);
    const RngGuard guard(rng);
    return f();
  };
  const Tensor<double> x = randn<double>({7, 30}).requires_grad_();
  for (const bool is_view : {false, true}) {
    const auto in = [&] { return is_view ? x.transpose(0, 1) : x; };
    const auto same = [&](auto fused, auto composed) {
      const Tensor<double> a = twice([&] { return fused(in()); }), b = twice([&] { return composed(in()); });
      const Tensor<double> dy = randn<double>(a.shape());
      CHECK(difference(a, b) < 1e-14);
      CHECK(difference(grad(a, {x}, {}, dy)[0], grad(b, {x}, {}, dy)[0]) < 1e-14);
    };
    same([](const auto& t) { return relu_dropout(t, 0.3); }, [](const auto& t) { return dropout(relu(t), 0.3); });
    for (const GeluKind kind : {GeluKind::exact, GeluKind::tanh})
      same([&](const auto& t) { return gelu_dropout(t, 0.3, true, kind); },
           [&](const auto& t) { return dropout(gelu(t, kind), 0.3); });
  }
  CHECK(same_bits(relu_dropout(x, 0.5, false), relu(x)));
  CHECK(same_bits(gelu_dropout(x, 0.5, false), gelu(x)));
  CHECK(same_bits(relu_dropout(x, 0.0), relu(x)));
  CHECK(same_bits(gelu_dropout(x, 1.0) * 1, zeros<double>({7, 30})));
  CHECK(relu_dropout(zeros<float>({0, 3}), 0.5).shape() == Shape{0, 3});
  CHECK(gelu_dropout(zeros<float>({0, 3}), 0.5).shape() == Shape{0, 3});
}

TEST_CASE("relu_dropout: NaN stays NaN, and hands its gradient on, where it is kept") {
  const Tensor<float> x = full<float>({1000}, NAN);
  Tensor<float> leaf_x = x.clone();
  leaf_x.requires_grad_();
  const Tensor<float> y = relu_dropout(leaf_x, 0.5), g = grad(y, {leaf_x}, {}, ones<float>({1000}))[0];
  Index kept = 0;
  for (Index i = 0; i < 1000; ++i) {
    const bool is_kept = std::isnan(y.data()[i]);
    kept += is_kept;
    CHECK(g.data()[i] == (is_kept ? 2.0f : 0.0f));
  }
  CHECK((kept > 400 && kept < 600));
}

TEST_CASE("dropout: a wrong p and shapes that differ are named") {
  const auto x = zeros<float>({2});
  CHECK_ERROR(dropout(x, 1.5), Error, "dropout: p 1.5 is not in [0, 1]");
  CHECK_ERROR(dropout(x, -0.25, false), Error, "dropout: p -0.25 is not in [0, 1]");
  CHECK_ERROR(dropout(x, NAN), Error, "dropout: p nan is not in [0, 1]");
  CHECK_ERROR(relu_dropout(x, 1.5), Error, "relu_dropout: p 1.5 is not in [0, 1]");
  CHECK_ERROR(gelu_dropout(x, -1, false), Error, "gelu_dropout: p -1 is not in [0, 1]");
  CHECK_ERROR(add_dropout(x, x, 2), Error, "add_dropout: p 2 is not in [0, 1]");
  CHECK_ERROR(add_dropout(x, zeros<float>({3}), 0.5), ShapeError, "add_dropout: residual [2] and x [3] differ");
}
