// Losses against PyTorch: tests/golden/generate_losses.py
#include <gloss/ops/binary_cross_entropy.hpp>
#include <gloss/ops/cosine_embedding_loss.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/huber_loss.hpp>
#include <gloss/ops/info_nce_loss.hpp>
#include <gloss/ops/kl_div.hpp>
#include <gloss/ops/l1_loss.hpp>
#include <gloss/ops/mse_loss.hpp>
#include <gloss/ops/nll_loss.hpp>
#include <gloss/ops/smooth_l1_loss.hpp>
#include <gloss/ops/triplet_margin_loss.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {

// The recorded option counts none, mean, sum, batchmean.
template <class T>
LossReduction reduction_of(const gloss_test::OpCase<T>& c) {
  return static_cast<LossReduction>(c.integer("reduction"));
}
template <class T>
Tensor<T> given(gloss_test::OpCase<T>& c, const char* name) {
  return c.has(name) ? c[name] : Tensor<T>{};
}
template <class T>
BinaryCrossEntropyOptions<T> binary_options(gloss_test::OpCase<T>& c) {
  return {.weight = given(c, "weight"), .reduction = reduction_of(c)};
}
template <class T>
InfoNceLossOptions contrast_options(const gloss_test::OpCase<T>& c) {
  return {.temperature = 0.2, .symmetric = c.integer("symmetric") != 0, .reduction = reduction_of(c)};
}

}  // namespace

TEST_CASE("golden: losses of differences are PyTorch's", "[ops]") {
  CHECK_GOLDEN("mse_loss", mse_loss(c["x"], c["target"], reduction_of(c)));
  CHECK_GOLDEN("l1_loss", l1_loss(c["x"], c["target"], reduction_of(c)));
  CHECK_GOLDEN("smooth_l1_loss",
               smooth_l1_loss(c["x"], c["target"], {.beta = c.real("bend"), .reduction = reduction_of(c)}));
  CHECK_GOLDEN("huber_loss", huber_loss(c["x"], c["target"], {.delta = c.real("bend"), .reduction = reduction_of(c)}));
}

TEST_CASE("golden: binary cross-entropies are PyTorch's, weights among them", "[ops]") {
  CHECK_GOLDEN("binary_cross_entropy", binary_cross_entropy(c["x"], c["target"], binary_options(c)));
  CHECK_GOLDEN("binary_cross_entropy_with_logits",
               binary_cross_entropy_with_logits(
                   c["x"], c["target"],
                   {.weight = given(c, "weight"), .reduction = reduction_of(c), .pos_weight = given(c, "pos_weight")}));
}

TEST_CASE("golden: losses of embeddings are PyTorch's", "[ops]") {
  CHECK_GOLDEN("triplet_margin_loss",
               triplet_margin_loss(
                   c["anchor"], c["positive"], c["negative"],
                   {.margin = 0.8, .p = c.real("p"), .swap = c.integer("swap") != 0, .reduction = reduction_of(c)}));
  CHECK_GOLDEN("cosine_embedding_loss",
               cosine_embedding_loss(c["a"], c["b"], c.ids("target"),
                                     {.margin = c.real("margin"), .reduction = reduction_of(c)}));
  CHECK_GOLDEN("info_nce_loss", info_nce_loss(c["query"], c["key"], contrast_options(c)));
}

TEST_CASE("golden: kl_div of logarithms, by batch, and its gradient by the target are PyTorch's", "[ops]") {
  CHECK_GOLDEN("kl_div_target",
               kl_div(c["x"], c["target"], reduction_of(c), {.log_target = c.integer("log_target") != 0}));
}

TEST_CASE("golden: weighted classes and probabilities for a target are PyTorch's", "[ops]") {
  CHECK_GOLDEN("nll_loss_weighted",
               nll_loss(c["x"], c.ids("target"), c["weight"],
                        {.ignore_index = c.integer("ignore_index"), .reduction = reduction_of(c)}));
  CHECK_GOLDEN("cross_entropy_weighted", cross_entropy(c["x"], c.ids("target"), c["weight"],
                                                       {.label_smoothing = c.real("smoothing"),
                                                        .ignore_index = c.integer("ignore_index"),
                                                        .reduction = reduction_of(c)}));
  CHECK_GOLDEN("cross_entropy_soft",
               cross_entropy(c["x"], c["target"], given(c, "weight"),
                             {.label_smoothing = c.real("smoothing"), .reduction = reduction_of(c)}));
}
