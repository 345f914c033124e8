// Softmax, normalisation, losses and attention against PyTorch: tests/golden/generate_ops.py
#include <gloss/ops/attention.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/gelu.hpp>
#include <gloss/ops/kl_div.hpp>
#include <gloss/ops/layer_norm.hpp>
#include <gloss/ops/nll_loss.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/transformer/attention.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

namespace {

// The recorded option counts none, mean, sum.
template <class T>
LossReduction reduction_of(const gloss_test::OpCase<T>& c) {
  return static_cast<LossReduction>(c.integer("reduction"));
}

}  // namespace

TEST_CASE("golden: softmax and its logarithm are PyTorch's", "[ops]") {
  CHECK_GOLDEN("softmax", softmax(c["x"], c.integer("axis")));
  CHECK_GOLDEN("log_softmax", log_softmax(c["x"], c.integer("axis")));
}

TEST_CASE("golden: both layer norms are theirs", "[ops]") {
  CHECK_GOLDEN("layer_norm", layer_norm(c["x"], c["weight"], c["bias"], c.real("eps")));
  CHECK_GOLDEN("annotated_layer_norm", layer_norm(c["x"], c["a_2"], c["b_2"], c.real("eps"), LayerNormKind::annotated));
}

TEST_CASE("golden: attention with masks, a causal order and rows that see nothing is PyTorch's", "[ops]") {
  CHECK_GOLDEN("attention", scaled_dot_product_attention(c["q"], c["k"], c["v"],
                                                         {.mask = c.has("mask") ? c.mask("mask") : Tensor<bool>(),
                                                          .causal = c.integer("causal") != 0,
                                                          .scale = c.real("scale"),
                                                          .mask_fill = -1e9}));
}

TEST_CASE("golden: both gelus are PyTorch's", "[ops]") {
  CHECK_GOLDEN("gelu", gelu(c["x"], c.integer("tanh") ? GeluKind::tanh : GeluKind::exact));
}

TEST_CASE("golden: losses are PyTorch's", "[ops]") {
  CHECK_GOLDEN("cross_entropy", cross_entropy(c["x"], c.ids("target"),
                                              {.label_smoothing = c.real("smoothing"),
                                               .ignore_index = c.integer("ignore_index"),
                                               .reduction = reduction_of(c)}));
  CHECK_GOLDEN("nll_loss", nll_loss(c["x"], c.ids("target"),
                                    {.ignore_index = c.integer("ignore_index"), .reduction = reduction_of(c)}));
  CHECK_GOLDEN("kl_div", kl_div(c["x"], c["target"], reduction_of(c)));
}

TEST_CASE("golden: attention as the paper writes it is PyTorch's", "[ops]") {
  CHECK_GOLDEN("attention", [&] {
    const auto q = c["q"], k = c["k"], v = c["v"];
    Tensor<bool> mask = c.has("mask") ? c.mask("mask") : Tensor<bool>{};
    if (c.integer("causal")) {
      Tensor<bool> seen = zeros<bool>({q.size(-2), k.size(-2)});
      for (Index i = 0; i < seen.size(0); ++i) seen.select(0, i).slice(0, 0, i + 1).fill_(true);
      mask = mask.defined() ? mask & seen : seen;
    }
    return transformer::attention(q, k, v, mask).x;
  }());
}
