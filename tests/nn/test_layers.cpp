// Linear, Embedding, Dropout, LayerNorm and the rules of initialisation.
#include <algorithm>
#include <cmath>

#include <gloss/nn/dropout.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/amax.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/var.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;

namespace {

struct Statistics {
  double low, high, mean, std;
};
Statistics statistics(const Tensor<float>& x) {
  Statistics s{INFINITY, -INFINITY, 0, 0};
  const auto n = static_cast<double>(x.numel());
  for (const float v : values(x)) {
    s.low = std::min(s.low, static_cast<double>(v));
    s.high = std::max(s.high, static_cast<double>(v));
    s.mean += static_cast<double>(v) / n;
  }
  for (const float v : values(x)) s.std += (static_cast<double>(v) - s.mean) * (static_cast<double>(v) - s.mean) / n;
  s.std = std::sqrt(s.std);
  return s;
}

/// Uniform in [-bound, bound): the ends are nearly reached, never passed.
void check_uniform(const Tensor<float>& x, double bound) {
  const Statistics s = statistics(x);
  CHECK(s.low >= -bound * (1 + 1e-6));
  CHECK(s.high <= bound * (1 + 1e-6));
  CHECK(s.low < -0.99 * bound);
  CHECK(s.high > 0.99 * bound);
  CHECK(std::abs(s.mean) < 0.02 * bound);
  CHECK(s.std == Approx(bound / std::sqrt(3.0)).epsilon(0.02));
}
void check_normal(const Tensor<float>& x, double mean, double std) {
  const Statistics s = statistics(x);
  CHECK(std::abs(s.mean - mean) < 0.03 * std);
  CHECK(s.std == Approx(std).epsilon(0.03));
  CHECK(s.high > mean + 3 * std);
}

}  // namespace

TEST_CASE("init: every rule has PyTorch's bounds and spread") {
  Rng rng(51);
  RngGuard use(rng);
  const auto x = empty<float>({150, 250});
  nn::init::xavier_uniform_(x);
  check_uniform(x, std::sqrt(6.0 / 400));
  nn::init::xavier_uniform_(x, 2);
  check_uniform(x, 2 * std::sqrt(6.0 / 400));
  nn::init::xavier_normal_(x);
  check_normal(x, 0, std::sqrt(2.0 / 400));
  nn::init::kaiming_uniform_(x);
  check_uniform(x, std::sqrt(6.0 / 250));
  nn::init::kaiming_uniform_(x, {.a = std::sqrt(5.0)});
  check_uniform(x, 1 / std::sqrt(250.0));
  nn::init::normal_(x, 3, 0.5);
  check_normal(x, 3, 0.5);
  nn::init::uniform_(x, -2, 2);
  check_uniform(x, 2);
  nn::init::trunc_normal_(x, {.std = 0.02, .low = -0.03, .high = 0.05});
  CHECK(amin(x).item() >= -0.03f);
  CHECK(amax(x).item() <= 0.05f);
  CHECK(std_dev(x).item() ==
        Approx(0.01707).epsilon(0.02));  // the root of the variance of a normal cut at -1.5 and 2.5
  const auto kernel = empty<float>({40, 50, 4, 5});
  nn::init::xavier_uniform_(kernel);
  check_uniform(kernel, std::sqrt(6.0 / (20 * 90)));
  nn::init::ones_(x);
  CHECK(x.at({7, 7}) == 1);
  nn::init::zeros_(x);
  CHECK(x.at({149, 249}) == 0);
  nn::init::constant_(x, 0.25f);
  CHECK(x.at({0, 249}) == 0.25f);
  CHECK_ERROR(nn::init::xavier_uniform_(empty<float>({3})), ShapeError,
              "init: fan in and fan out need two axes, got shape [3]");
}

TEST_CASE("init: one seed gives one set of numbers, and fills parameters without a graph") {
  const auto draw = [] {
    Rng rng(3);
    RngGuard use(rng);
    return nn::Linear<float>(30, 20);
  };
  CHECK(same_bits(draw().weight.detach(), draw().weight.detach()));
  const nn::Linear<float> layer(4, 4);
  nn::init::xavier_uniform_(layer.weight);
  CHECK(layer.weight.is_leaf());
}

TEST_CASE("Linear: is x W^T + b, starts as PyTorch's does, and keeps leading axes") {
  Rng rng(52);
  RngGuard use(rng);
  const nn::Linear<float> layer(200, 100);
  check_uniform(layer.weight.detach(), 1 / std::sqrt(200.0));
  CHECK(layer.bias.shape() == Shape{100});
  const auto x = randn<float>({2, 3, 200});
  CHECK(difference(layer(x), matmul(x, layer.weight.transpose(0, 1)) + layer.bias) < 1e-5);
  CHECK(difference(layer.with_relu(x), relu(layer(x))) < 1e-6);
  const nn::Linear<float> bare(200, 100, {.bias = false});
  CHECK_FALSE(bare.bias.defined());
  CHECK(difference(bare(x[0]), matmul(x[0], bare.weight.transpose(0, 1))) < 1e-5);
  CHECK(layer(zeros<float>({0, 200})).shape() == Shape{0, 100});
  CHECK(nn::Linear<float>(0, 2)(zeros<float>({3, 0})).shape() == Shape{3, 2});
}

TEST_CASE("Linear: sizes that do not fit are named") {
  const nn::Linear<float> layer(3, 2);
  CHECK_ERROR(layer(zeros<float>({4, 2})), ShapeError, "linear: x [4, 2] does not end in in_features of weight [2, 3]");
  CHECK_ERROR(layer(scalar<float>(1)), ShapeError, "linear: x [] does not end in in_features of weight [2, 3]");
  CHECK_ERROR(nn::Linear<float>(-1, 2), ShapeError, "Linear: negative size: in_features -1, out_features 2");
}

TEST_CASE("Embedding: rows by id, normal at first; wrong ids and sizes are named") {
  Rng rng(53);
  RngGuard use(rng);
  const nn::Embedding<float> lut(100, 80);
  check_normal(lut.weight.detach(), 0, 1);
  const Tensor<std::int64_t> ids = {{5, 99}, {0, 5}};
  CHECK(lut(ids).shape() == Shape{2, 2, 80});
  CHECK(same_bits(lut(ids).select(0, 1)[1], lut.weight.detach()[5]));
  CHECK_ERROR(lut(Tensor<std::int64_t>{100}), IndexError, "embedding: id 100 is out of range for weight [100, 80]");
  CHECK_ERROR(nn::Embedding<float>(3, -2), ShapeError, "Embedding: negative size: num_embeddings 3, embedding_dim -2");
}

TEST_CASE("Dropout: acts in training, is the identity in evaluation; a wrong p is named") {
  nn::Dropout<float> drop(0.5);
  const auto x = ones<float>({1000});
  const auto y = values(drop(x));
  CHECK(std::count(y.begin(), y.end(), 0.0f) > 400);
  CHECK(std::count(y.begin(), y.end(), 2.0f) > 400);
  drop.eval();
  CHECK(drop(x).is_same(x));
  CHECK_ERROR(nn::Dropout<float>(-0.1), Error, "Dropout: p -0.1 is not in [0, 1]");
}

TEST_CASE("LayerNorm: PyTorch's, with or without weight and bias; a wrong last axis is named") {
  const nn::LayerNorm<double> norm(3), plain(3, {.elementwise_affine = false}), no_bias(3, {.eps = 0, .bias = false});
  CHECK(norm.named_parameters().size() == 2);
  CHECK(plain.named_parameters().empty());
  CHECK(no_bias.named_parameters().size() == 1);
  const Tensor<double> x = {{1, 2, 3}, {5, 5, 8}};
  const double a = std::sqrt(1.5), b = 1 / std::sqrt(2.0);
  CHECK(difference(no_bias(x), Tensor<double>{{-a, 0, a}, {-b, -b, 2 * b}}) < 1e-14);
  CHECK(same_bits(norm(x), plain(x)));
  CHECK_ERROR(norm(zeros<double>({3, 2})), ShapeError, "LayerNorm: x [3, 2] does not end in normalized_shape [3]");
  CHECK_ERROR(norm(scalar<double>(1)), ShapeError, "LayerNorm: x [] does not end in normalized_shape [3]");
}
