#include <cmath>
#include <gloss/gloss.hpp>
#include <gloss/kernels/elementwise.hpp>
#include <gloss/kernels/loop.hpp>
#include <gloss/ops/elementwise.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("element-wise ops: gradients agree with difference quotients, broadcast and strided") {
  Rng rng(3);
  RngGuard use(rng);
  auto leaf = [](const Shape& s, double low, double high) { return rand<double>(s, low, high).requires_grad_(); };
  using V = std::vector<Tensor<double>>;
  CHECK(gradcheck([](const V& x) { return x[0] + x[1]; }, {leaf({2, 1, 3}, -1, 1), leaf({4, 1}, -1, 1)}));
  CHECK(gradcheck([](const V& x) { return x[0] - x[1]; }, {leaf({3}, -1, 1), leaf({2, 3}, -1, 1)}));
  CHECK(gradcheck([](const V& x) { return x[0] * x[1]; }, {leaf({2, 3}, -1, 1), leaf({}, -1, 1)}));
  CHECK(gradcheck([](const V& x) { return x[0] / x[1]; }, {leaf({2, 3}, -1, 1), leaf({1, 3}, 1, 2)}));
  CHECK(gradcheck([](const V& x) { return pow(x[0], x[1]); }, {leaf({2, 3}, 0.5, 2), leaf({3}, -2, 2)}));
  CHECK(gradcheck([](const V& x) { return pow(x[0], 3) + pow(x[0], -0.5); }, {leaf({5}, 0.5, 2)}));
  CHECK(gradcheck([](const V& x) { return 2 - x[0] * 3 + 1 / x[0] - x[0] / 4; }, {leaf({5}, 0.5, 2)}));
  CHECK(gradcheck([](const V& x) { return exp(x[0].transpose(0, 1)); }, {leaf({2, 3}, -1, 1)}));
  CHECK(gradcheck([](const V& x) { return log(x[0].slice(1, 0, 5, 2)); }, {leaf({2, 5}, 0.5, 2)}));
  CHECK(gradcheck([](const V& x) { return sqrt(x[0]); }, {leaf({4}, 0.5, 2)}));
  CHECK(gradcheck([](const V& x) { return tanh(x[0]); }, {leaf({4}, -2, 2)}));
  CHECK(gradcheck([](const V& x) { return sigmoid(x[0]); }, {leaf({4}, -2, 2)}));
  CHECK(gradcheck([](const V& x) { return abs(x[0]) + relu(x[0]); }, {leaf({9}, -2, 2)}));
  const Tensor<bool> mask = rand<double>({2, 3}) > 0.5;
  CHECK(gradcheck([&](const V& x) { return where(mask, x[0], x[1]); }, {leaf({3}, -1, 1), leaf({2, 1}, -1, 1)}));
  CHECK(gradcheck([&](const V& x) { return masked_fill(x[0], mask, -2); }, {leaf({4, 2, 3}, -1, 1)}));
}

TEST_CASE("element-wise ops: second derivatives come from the recorded backward") {
  Tensor<double> x = {0.3, -0.7, 1.1};
  x.requires_grad_();
  auto check = [&](auto f, auto second) {
    const auto g = grad(sum(f(x)), {x}, {.create_graph = true})[0];
    const auto h = grad(sum(g), {x})[0];
    for (Index i = 0; i < 3; ++i) CHECK(h.data()[i] == Approx(second(x.data()[i])));
  };
  check([](auto& v) { return exp(v); }, [](double v) { return std::exp(v); });
  check([](auto& v) { return tanh(v); },
        [](double v) { return -2 * std::tanh(v) * (1 - std::tanh(v) * std::tanh(v)); });
  check([](auto& v) { return pow(v, 3); }, [](double v) { return 6 * v; });
  check([](auto& v) { return v * v * v; }, [](double v) { return 6 * v; });
}

TEST_CASE("element-wise ops: shapes that do not broadcast are named") {
  const auto a = zeros<float>({2, 3}), b = zeros<float>({4});
  CHECK_ERROR(a + b, ShapeError, "add: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(a * b, ShapeError, "mul: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(masked_fill(b, zeros<bool>({2, 4}), 0), ShapeError,
              "masked_fill: mask [2, 4] does not broadcast to x [4]");
}

TEST_CASE("element-wise ops: empty, scalar and one-element tensors work") {
  CHECK((zeros<float>({0, 3}) + ones<float>({3})).shape() == Shape{0, 3});
  CHECK((scalar<float>(2) * scalar<float>(3)).item() == 6);
  CHECK(exp(zeros<double>({1})).item() == 1);
  auto x = zeros<float>({0}).requires_grad_();
  sum(exp(x)).backward();
  CHECK(x.grad().shape() == Shape{0});
}

TEST_CASE("element-wise ops: integers and booleans take part where PyTorch lets them") {
  const Tensor<std::int64_t> i = {1, 2, 3};
  CHECK((i * 2 + 1).at({2}) == 7);
  CHECK((i >= 2).at({0}) == false);
  CHECK(((i >= 2) & (i != 3)).at({1}) == true);
  CHECK(cast<float>(i).at({1}) == 2.0f);
  CHECK(cast<std::int64_t>(Tensor<float>{2.9f, -2.9f}).at({1}) == -2);
}
