// Attention rollout, worked out by hand.
#include <gloss/gloss.hpp>
#include <gloss/models/attention_rollout.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {
/// [1, heads, n, n]
Tensor<double> layer(std::vector<Tensor<double>> heads) { return stack(heads).unsqueeze(0); }
}  // namespace

TEST_CASE("attention_rollout: two layers by hand") {
  const std::vector<Tensor<double>> attentions = {
      layer({Tensor<double>{{1, 0}, {0.5, 0.5}}, Tensor<double>{{0, 1}, {0.5, 0.5}}}),
      layer({Tensor<double>{{0.2, 0.8}, {1, 0}}, Tensor<double>{{0.6, 0.4}, {1, 0}}})};
  // means: {0.5, 0.5; 0.5, 0.5} and {0.4, 0.6; 1, 0}; half of them and half of I
  const Tensor<double> first{{0.75, 0.25}, {0.25, 0.75}}, second{{0.7, 0.3}, {0.5, 0.5}};
  CHECK(allclose(models::attention_rollout(attentions)[0], matmul(second, first)));
  CHECK(allclose(models::attention_rollout(attentions, {.residual = 1})[0], eye<double>(2)));
  // without the residual the first layer makes all equal
  CHECK(allclose(models::attention_rollout(attentions, {.residual = 0})[0], full<double>({2, 2}, 0.5)));
}

TEST_CASE("attention_rollout: the largest and the least of the heads, with rows made whole again") {
  const std::vector<Tensor<double>> one = {
      layer({Tensor<double>{{0.9, 0.1}, {0.5, 0.5}}, Tensor<double>{{0.4, 0.6}, {0.5, 0.5}}})};
  CHECK(allclose(models::attention_rollout(one, {.fusion = models::HeadFusion::max, .residual = 0})[0],
                 Tensor<double>{{0.6, 0.4}, {0.5, 0.5}}));
  CHECK(allclose(models::attention_rollout(one, {.fusion = models::HeadFusion::min, .residual = 0})[0],
                 Tensor<double>{{0.8, 0.2}, {0.5, 0.5}}));
}

TEST_CASE("attention_rollout: what does not fit is said") {
  using Attentions = std::vector<Tensor<float>>;
  CHECK_ERROR(models::attention_rollout(Attentions{}), ShapeError, "attention_rollout: there are no attentions");
  CHECK_ERROR(models::attention_rollout(Attentions{ones<float>({2, 2})}), ShapeError,
              "attention_rollout: attentions [2, 2] must all be [batch, heads, n, n]");
  CHECK_ERROR(models::attention_rollout(Attentions{ones<float>({1, 1, 2, 2}), ones<float>({1, 1, 3, 3})}), ShapeError,
              "attention_rollout: attentions [1, 1, 3, 3] must all be [batch, heads, n, n]");
  CHECK_ERROR(models::attention_rollout(Attentions{ones<float>({1, 1, 2, 2})}, {.residual = 2}), Error,
              "attention_rollout: residual 2 is not in [0, 1]");
}
