// Patches of images, and positions of another grid.
#include <gloss/gloss.hpp>
#include <gloss/models/patches.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("patches: each patch is a row, channel by channel, in the order of reading") {
  Tensor<double> x = arange<double>(2 * 4 * 6).reshape({1, 2, 4, 6});
  const Tensor<double> y = models::patchify(x, {2, 3});
  REQUIRE(y.shape() == Shape{1, 4, 12});
  CHECK(equal(y[0][0], Tensor<double>{0, 1, 2, 6, 7, 8, 24, 25, 26, 30, 31, 32}));
  CHECK(equal(y[0][3], Tensor<double>{15, 16, 17, 21, 22, 23, 39, 40, 41, 45, 46, 47}));
  CHECK(equal(models::unpatchify(y, {2, 3}, {2, 2}), x));
  CHECK(equal(models::patchify(x, 4), models::patchify(x.narrow(3, 0, 4), 4)));  // two columns behind the last patch
}

TEST_CASE("patches: the product and the convolution are the same, with their gradients") {
  manual_seed(1);
  models::PatchEmbedding<double> embed(3, 5, {4, 2});
  nn::check(embed);
  nn::init::normal_(embed.bias);
  Tensor<double> x = randn<double>({2, 3, 9, 7});  // neither side is a multiple
  x.requires_grad_();
  const Tensor<double> w = randn<double>({2, 6, 5});
  std::vector<Tensor<double>> results;
  for (const bool convolution : {false, true}) {
    embed.zero_grad();
    x.zero_grad();
    const Tensor<double> y = convolution ? embed.by_convolution(x) : embed(x);
    REQUIRE(y.shape() == Shape{2, 6, 5});
    sum(y * w).backward();
    for (const Tensor<double>& t : {y.detach(), x.grad(), embed.weight.grad(), embed.bias.grad()})
      results.push_back(t.clone());
  }
  for (std::size_t i = 0; i < 4; ++i) {
    INFO(i);
    CHECK(allclose(results[i], results[i + 4], {.rtol = 1e-12, .atol = 1e-12}));
  }
}

TEST_CASE("patches: positions of another grid") {
  manual_seed(2);
  Tensor<double> p = randn<double>({1, 1 + 3 * 4, 5});
  CHECK(models::resize_positions(p, 1, {3, 4}, {3, 4}).is_same(p));
  const Tensor<double> y = models::resize_positions(p, 1, {3, 4}, {5, 2});
  REQUIRE(y.shape() == Shape{1, 11, 5});
  CHECK(equal(y.narrow(1, 0, 1), p.narrow(1, 0, 1)));
  const Tensor<double> channel = p.narrow(1, 1, 12).select(2, 3).reshape({3, 4});
  CHECK(allclose(y.narrow(1, 1, 10).select(2, 3).reshape({5, 2}),
                 interpolate(channel, Shape{5, 2}, {.mode = InterpolateMode::bicubic}),
                 {.rtol = 1e-14, .atol = 1e-14}));
  CHECK(models::resize_positions(p.narrow(1, 1, 12), 0, {3, 4}, {1, 1}).shape() == Shape{1, 1, 5});
  using Inputs = std::vector<Tensor<double>>;
  const auto resized = [](const Inputs& in) { return models::resize_positions(in[0], 1, {3, 4}, {4, 2}); };
  CHECK(gradcheck(resized, Inputs{p.requires_grad_()}));
}

TEST_CASE("patches: what does not fit is said") {
  models::PatchEmbedding<float> embed(3, 5, 4);
  CHECK_ERROR(embed(zeros<float>({3, 8, 8})), ShapeError,
              "PatchEmbedding: images [3, 8, 8] must be [batch, channels, height, width]");
  CHECK_ERROR(embed(zeros<float>({1, 3, 8, 3})), ShapeError,
              "PatchEmbedding: images [1, 3, 8, 3] are smaller than a patch, 4 x 4");
  CHECK_ERROR(embed(zeros<float>({1, 1, 8, 8})), ShapeError,
              "PatchEmbedding: images [1, 1, 8, 8] have 1 channels, not 3");
  CHECK_ERROR(models::patchify(zeros<float>({1, 3, 2, 2}), 3), ShapeError,
              "patchify: images [1, 3, 2, 2] are smaller than a patch, 3 x 3");
  CHECK_ERROR(models::resize_positions(zeros<float>({1, 5, 2}), 1, {2, 3}, {2, 2}), ShapeError,
              "resize_positions: [1, 5, 2] are not positions of 1 tokens and 2 x 3 patches");
  CHECK_THROWS_AS(models::unpatchify(zeros<float>({1, 4, 12}), 2, {2, 3}), ShapeError);
}
