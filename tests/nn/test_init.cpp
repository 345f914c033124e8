// Ways to fill a parameter: exact where they are, else by what they promise.
#include <cmath>

#include <gloss/nn/feed_forward_activation.hpp>
#include <gloss/nn/init.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/matmul.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
namespace init = nn::init;

TEST_CASE("init: fans count the receptive field") {
  CHECK(init::fans({2, 3}) == std::pair<Index, Index>{3, 2});
  CHECK(init::fans({2, 3, 5, 7}) == std::pair<Index, Index>{105, 70});
  CHECK_ERROR(init::fans({2}), ShapeError, "init: fan in and fan out need two axes, got shape [2]");
}

TEST_CASE("init: gains are PyTorch's") {
  CHECK(init::calculate_gain(init::Nonlinearity::linear) == 1);
  CHECK(init::calculate_gain(init::Nonlinearity::sigmoid) == 1);
  CHECK(init::calculate_gain(init::Nonlinearity::tanh) == 5.0 / 3);
  CHECK(init::calculate_gain(init::Nonlinearity::relu) == std::sqrt(2.0));
  CHECK(init::calculate_gain(init::Nonlinearity::leaky_relu) == std::sqrt(2 / 1.0001));
  CHECK(init::calculate_gain(init::Nonlinearity::leaky_relu, 1) == 1);
  CHECK(init::calculate_gain(init::Nonlinearity::selu) == 0.75);
}

TEST_CASE("init: kaiming_normal_ has the deviation of its fan") {
  Rng rng(5);
  const RngGuard use(rng);
  const Tensor<double> x = empty<double>({200, 50});
  init::kaiming_normal_(x, {.nonlinearity = init::Nonlinearity::relu});
  double squares = 0;
  for (Index i = 0; i < x.numel(); ++i) squares += x.data()[i] * x.data()[i];
  CHECK(std::sqrt(squares / 10000) == Approx(std::sqrt(2.0 / 50)).epsilon(0.02));
  Rng again(5);
  const RngGuard use_again(again);
  const Tensor<double> y = empty<double>({200, 50});
  init::kaiming_normal_(y, {.mode = init::Fan::out, .nonlinearity = init::Nonlinearity::relu});
  CHECK(y.at({3, 7}) == Approx(x.at({3, 7}) / 2));
}

TEST_CASE("init: eye_ and dirac_ are exact") {
  const Tensor<float> x = full<float>({2, 3}, 9);
  init::eye_(x);
  CHECK(same_bits(x, {{1, 0, 0}, {0, 1, 0}}));
  CHECK_ERROR(init::eye_(zeros<float>({2})), ShapeError, "eye_: x [2] is no matrix");

  const Tensor<float> w = full<float>({4, 2, 3}, 9);
  init::dirac_(w);
  CHECK(same_bits(w, {{{0, 1, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 1, 0}}, {{0, 0, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 0, 0}}}));
  init::dirac_(w, 2);
  CHECK(same_bits(w, {{{0, 1, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 1, 0}}, {{0, 1, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 1, 0}}}));
  const Tensor<float> even = zeros<float>({1, 1, 2, 2});
  init::dirac_(even);
  CHECK(same_bits(even, {{{{0, 0}, {0, 1}}}}));
  CHECK_ERROR(init::dirac_(zeros<float>({2, 3})), ShapeError, "dirac_: x [2, 3] has not 3, 4 or 5 axes");
  CHECK_ERROR(init::dirac_(w, 3), ShapeError, "dirac_: 3 groups do not divide the output channels of [4, 2, 3]");
}

TEST_CASE("FeedForwardActivation: after a linear layer it is the activation of its result") {
  const nn::Linear<float> linear(3, 4);
  const Tensor<float> x = randn<float>({2, 3});
  const nn::FeedForwardActivation<float> relu_after("relu"), gelu_after("gelu"),
      own([](const Tensor<float>&y) { return y * 2; });
  CHECK(difference(relu_after.after(linear, x, 0.5, false), relu(linear(x))) < 1e-6);
  CHECK(difference(gelu_after.after(linear, x, 0.5, false), gelu(linear(x))) < 1e-6);
  CHECK(same_bits(own.after(linear, x, 0.5, false), linear(x) * 2));
  CHECK(own.after(linear, x, 1, true).at({1, 1}) == 0);
}
