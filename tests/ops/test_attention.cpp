#include <gloss/gloss.hpp>
#include <gloss/ops/attention.hpp>
#include <gloss/tensor/gradcheck.hpp>
#include <gloss/transformer/attention.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using gloss_test::difference;

TEST_CASE("attention: PyTorch's values and gradients on every recorded case") {
  CHECK_GOLDEN("attention", scaled_dot_product_attention(c["q"], c["k"], c["v"],
                                                         {.mask = c.has("mask") ? c.mask("mask") : Tensor<bool>{},
                                                          .causal = c.integer("causal") != 0,
                                                          .scale = c.real("scale"),
                                                          .mask_fill = -1e9}));
}

TEST_CASE("attention: gradcheck with mask, causal, dropout, and through split heads") {
  Rng rng(3);
  RngGuard guard(rng);
  const auto leaf = [](const Shape& shape) {
    Tensor<double> x = randn<double>(shape);
    return x.requires_grad_();
  };
  const Tensor<double> q = leaf({2, 5, 6}), k = leaf({2, 7, 6}), v = leaf({2, 7, 6});
  Tensor<bool> mask = full<bool>({2, 1, 1, 7}, true);
  mask.at({1, 0, 0, 6}) = mask.at({1, 0, 0, 2}) = false;
  const auto heads = [](const Tensor<double>& x) { return x.view({2, x.size(1), 2, 3}).transpose(1, 2); };
  for (const bool causal : {false, true})
    for (const double dropout : {0.0, 0.4})
      CHECK(gradcheck(
          [&](const std::vector<Tensor<double>>& in) {
            Rng same(5);
            RngGuard inner(same);
            return scaled_dot_product_attention(heads(in[0]), heads(in[1]), heads(in[2]),
                                                {.mask = mask, .causal = causal, .dropout = dropout});
          },
          {q, k, v}));
  CHECK(
      gradcheck([](const std::vector<Tensor<double>>& in) { return scaled_dot_product_attention(in[0], in[1], in[2]); },
                {leaf({3, 4}), leaf({5, 4}), leaf({5, 2})}));
}

TEMPLATE_TEST_CASE("attention: the composed form gives the same, weights included", "", float, double) {
  using T = TestType;
  Rng rng(8);
  RngGuard guard(rng);
  const Tensor<T> q = randn<T>({2, 3, 9, 4}), k = randn<T>({2, 3, 6, 4}), v = randn<T>({2, 3, 6, 5});
  Tensor<bool> mask = full<bool>({9, 6}, true);
  for (Index j = 0; j < 6; ++j) mask.at({4, j}) = false;  // attends to nothing: uniform
  Tensor<T> weights;
  const Tensor<T> y = scaled_dot_product_attention(q, k, v, {.mask = mask, .mask_fill = -1e9}, &weights);
  const auto [x, p_attn] = transformer::attention(q, k, v, mask);
  CHECK(difference(y, x) < 1e-6);
  CHECK(difference(weights, p_attn) < 1e-6);
  CHECK(weights.at({0, 0, 4, 5}) == Approx(1.0 / 6));
}

TEST_CASE("attention: heads split from a projection are joined again without a copy") {
  const Tensor<float> x = randn<float>({2, 5, 12});
  const Tensor<float> heads = x.view({2, 5, 3, 4}).transpose(1, 2);
  const Tensor<float> y = scaled_dot_product_attention(heads, heads, heads);
  CHECK(y.transpose(1, 2).is_contiguous());
  CHECK(difference(y, scaled_dot_product_attention(heads.contiguous(), heads.contiguous(), heads.contiguous())) == 0);
}

TEST_CASE("attention: errors") {
  const Tensor<float> q = zeros<float>({2, 3, 4}), k = zeros<float>({2, 5, 4}), v = zeros<float>({2, 5, 6});
  CHECK_ERROR(scaled_dot_product_attention(q, k, zeros<float>({2, 4, 6})), ShapeError,
              "scaled_dot_product_attention: query [2, 3, 4], key [2, 5, 4] and value [2, 4, 6] do not fit");
  CHECK_ERROR(scaled_dot_product_attention(q, zeros<float>({3, 5, 4}), v), ShapeError,
              "scaled_dot_product_attention: query [2, 3, 4], key [3, 5, 4] and value [2, 5, 6] do not fit");
  CHECK_ERROR(scaled_dot_product_attention(q, k, v, {.mask = zeros<bool>({2, 4, 5})}), ShapeError,
              "scaled_dot_product_attention: mask [2, 4, 5] does not stretch to [2, 3, 5]");
  CHECK_ERROR(scaled_dot_product_attention(q, k, v, {.dropout = 1.5}), Error,
              "scaled_dot_product_attention: dropout 1.5 is not in [0, 1]");
  Tensor<float> leaf = zeros<float>({2, 3});
  leaf.requires_grad_();
  CHECK_ERROR(grad(scaled_dot_product_attention(leaf, leaf, leaf), {leaf}, {.create_graph = true}, ones<float>({2, 3})),
              GradError, "scaled_dot_product_attention: a fused op has no second derivative");
}

TEST_CASE("attention: no queries, and a row that may attend to nothing") {
  CHECK(scaled_dot_product_attention(zeros<float>({0, 4}), zeros<float>({3, 4}), zeros<float>({3, 2})).shape() ==
        Shape{0, 2});
  const Tensor<float> x = ones<float>({2, 4});
  CHECK(std::isnan(scaled_dot_product_attention(x, x, x, {.mask = zeros<bool>({2, 2})}).at({0, 0})));
}
