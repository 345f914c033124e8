// conv1d, conv2d and pooling: edges and error texts; values against PyTorch are in tests/nn/test_conv.cpp.
#include <gloss/ops/conv.hpp>
#include <gloss/ops/pool.hpp>
#include <gloss/ops/window_options.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;

TEST_CASE("conv1d: a small case by hand", "[ops]") {
  const Tensor<double> x = {{{1, 2, 3, 4}}}, w = {{{1, 0, -1}}}, b = {10};
  CHECK(values(conv1d(x, w, b)) == std::vector<double>{8, 8});
  CHECK(values(conv1d(x, w, {}, {.padding = 1})) == std::vector<double>{-2, -2, -2, 3});
  CHECK(values(conv1d(x.squeeze(0), w, b, {.stride = 2, .padding = "valid"})) == std::vector<double>{8});
  const Tensor<double> even = {{{1, 1}}};
  CHECK(values(conv1d(x, even, {}, {.padding = "same"})) == std::vector<double>{3, 5, 7, 4});  // the odd zero is behind
}

TEST_CASE("conv2d: derivatives of both orders, also from a strided input", "[ops]") {
  Rng rng(4);
  const RngGuard guard(rng);
  const auto x = randn<double>({2, 5, 4, 4}).permute({0, 3, 1, 2}), w = randn<double>({6, 2, 2, 3}),
             b = randn<double>({6});
  const auto f = [](const std::vector<Tensor<double>>& in) {
    return conv2d(in[0], in[1], in[2], {.stride = {2, 1}, .padding = 1, .dilation = {1, 2}, .groups = 2});
  };
  std::vector<Tensor<double>> leaves = {x.clone(), w, b};
  for (Tensor<double>& leaf : leaves) leaf.requires_grad_();
  CHECK(gradcheck(f, leaves));
  CHECK(gradgradcheck(f, leaves));
  CHECK(gloss_test::same_bits(f({x, w, b}), f({x.contiguous(), w, b})));
}

TEST_CASE("conv2d: an empty batch has an empty result, and zeros for the gradient of the weight", "[ops]") {
  auto x = zeros<float>({0, 2, 4, 4}), w = ones<float>({3, 2, 3, 3}), b = ones<float>({3});
  for (auto* t : {&x, &w, &b}) t->requires_grad_();
  const auto y = conv2d(x, w, b);
  CHECK(y.shape() == Shape{0, 3, 2, 2});
  sum(y).backward();
  CHECK(values(w.grad()) == std::vector<float>(54, 0.0f));
  CHECK(values(b.grad()) == std::vector<float>(3, 0.0f));
  CHECK(x.grad().shape() == x.shape());
  CHECK(max_pool2d(x, 2).shape() == Shape{0, 2, 2, 2});
  CHECK(avg_pool2d(x, 2).shape() == Shape{0, 2, 2, 2});
  CHECK(adaptive_avg_pool2d(x, 3).shape() == Shape{0, 2, 3, 3});
}

TEST_CASE("conv: what does not fit is named", "[ops]") {
  const auto x = zeros<float>({1, 4, 5, 6}), w = zeros<float>({6, 4, 3, 3}), x1 = zeros<float>({1, 4, 5});
  const auto w1 = zeros<float>({6, 4, 3});
  CHECK_ERROR(conv2d(x, w1), ShapeError, "conv2d: weight [6, 4, 3] has not 4 axes");
  CHECK_ERROR(conv1d(x1, w), ShapeError, "conv1d: weight [6, 4, 3, 3] has not 3 axes");
  CHECK_ERROR(conv2d(zeros<float>({4, 5}), w), ShapeError,
              "conv2d: x [4, 5] has neither 4 axes nor, without a batch, 3");
  CHECK_ERROR(conv2d(x, w, {}, {.groups = 0}), ShapeError, "conv2d: groups 0 is not positive");
  CHECK_ERROR(conv2d(x, w, {}, {.groups = 4}), ShapeError, "conv2d: weight [6, 4, 3, 3] cannot be split into 4 groups");
  CHECK_ERROR(conv2d(x, w, {}, {.groups = 2}), ShapeError,
              "conv2d: x [1, 4, 5, 6] has 4 channels, weight [6, 4, 3, 3] with 2 groups wants 8");
  CHECK_ERROR(conv2d(x, w, zeros<float>({4})), ShapeError,
              "conv2d: bias [4] does not match the 6 channels of weight [6, 4, 3, 3]");
  CHECK_ERROR(conv2d(x, w, {}, {.stride = 0}), ShapeError, "conv2d: stride 0 is not positive");
  CHECK_ERROR(conv2d(x, w, {}, {.padding = {0, -1}}), ShapeError, "conv2d: padding -1 is negative");
  CHECK_ERROR(conv2d(x, w, {}, {.dilation = 0}), ShapeError, "conv2d: dilation 0 is not positive");
  CHECK_ERROR(conv2d(x, w, {}, {.dilation = {3, 1}}), ShapeError,
              "conv2d: a kernel of 3 with dilation 3 is larger than the padded size 5");
  CHECK_ERROR(conv1d(zeros<float>({1, 4, 2}), w1), ShapeError,
              "conv1d: a kernel of 3 is larger than the padded size 2");
  CHECK_ERROR(conv1d(x1, w1, {}, {.stride = 2, .padding = "same"}), ShapeError,
              "conv1d: padding 'same' wants stride 1");
  CHECK_ERROR(conv1d(x1, w1, {}, {.padding = {1, 2}}), ShapeError, "conv1d: padding 1, 2 is for two axes");
  CHECK_ERROR(conv1d(x1, w1, {}, {.padding = "full"}), Error, "conv: padding 'full' is neither 'same' nor 'valid'");
  CHECK_ERROR(conv2d(x, zeros<float>({6, 4, 0, 3})), ShapeError, "conv2d: weight [6, 4, 0, 3] has no taps");
}

TEST_CASE("pooling: what does not fit is named", "[ops]") {
  const auto x = zeros<float>({2, 4, 4}), line = zeros<float>({2, 5});
  CHECK_ERROR(max_pool2d(x, 0), ShapeError, "max_pool2d: kernel size 0 is not positive");
  CHECK_ERROR(max_pool2d(x, 2, {.stride = 0}), ShapeError, "max_pool2d: stride 0 is not positive");
  CHECK_ERROR(max_pool2d_with_indices(x, 5), ShapeError, "max_pool2d: a kernel of 5 is larger than the padded size 4");
  CHECK_ERROR(max_pool1d(line, 3, {.padding = 2}), ShapeError,
              "max_pool1d: padding 2 is more than half of a kernel of 3");
  CHECK_ERROR(max_pool1d_with_indices(line, 2, {.padding = 2, .dilation = 2}), ShapeError,
              "max_pool1d: padding 2 is more than half of a kernel of 2 with dilation 2");
  CHECK_ERROR(avg_pool1d(x.view({1, 2, 2, 8}), 2), ShapeError,
              "avg_pool1d: x [1, 2, 2, 8] has neither 3 axes nor, without a batch, 2");
  CHECK_ERROR(avg_pool2d(zeros<float>({2, 0, 4, 4}), 2), ShapeError,
              "avg_pool2d: x [2, 0, 4, 4] has an empty axis besides the batch");
  CHECK_ERROR(avg_pool2d(x, 2, {.divisor_override = 0}), ShapeError, "avg_pool2d: divisor_override is 0");
  CHECK_ERROR(adaptive_avg_pool1d(line, 0), ShapeError, "adaptive_avg_pool1d: output size 0 is not positive");
  CHECK_ERROR(adaptive_avg_pool2d(x, {2, -1}), ShapeError, "adaptive_avg_pool2d: output size -1 is not positive");
  CHECK_ERROR(adaptive_max_pool1d(x.view({1, 1, 1, 32}), 2), ShapeError,
              "adaptive_max_pool1d: x [1, 1, 1, 32] has neither 3 axes nor, without a batch, 2");
  CHECK_ERROR(adaptive_max_pool2d(zeros<float>({1, 0, 3}), 2), ShapeError,
              "adaptive_max_pool2d: x [1, 0, 3] has an empty axis besides the batch");
}

TEST_CASE("max_pool2d: the first of equals is chosen and gets the gradient", "[ops]") {
  Tensor<float> x = {{{1, 1}, {1, 1}}};
  x.requires_grad_();
  const auto found = max_pool2d_with_indices(x, 2);
  CHECK(values(found.indices) == std::vector<std::int64_t>{0});
  sum(found.values).backward();
  CHECK(values(x.grad()) == std::vector<float>{1, 0, 0, 0});
}
