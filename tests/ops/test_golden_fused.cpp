// Softmax, normalisation and attention against PyTorch: tests/golden/generate_ops.py
#include <gloss/ops/attention.hpp>
#include <gloss/ops/layer_norm.hpp>
#include <gloss/ops/softmax.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;

TEST_CASE("golden: softmax and its logarithm are PyTorch's", "[ops]") {
  CHECK_GOLDEN("softmax", softmax(c["x"], c.integer("axis")));
  CHECK_GOLDEN("log_softmax", log_softmax(c["x"], c.integer("axis")));
}

TEST_CASE("golden: both layer norms are theirs", "[ops]") {
  CHECK_GOLDEN("layer_norm", layer_norm(c["x"], c["weight"], c["bias"], c.real("eps")));
  CHECK_GOLDEN("annotated_layer_norm",
               layer_norm(c["x"], c["a_2"], c["b_2"], c.real("eps"), LayerNormKind::annotated));
}

TEST_CASE("golden: attention with masks, a causal order and rows that see nothing is PyTorch's", "[ops]") {
  CHECK_GOLDEN("attention", scaled_dot_product_attention(c["q"], c["k"], c["v"],
                                                         {.mask = c.has("mask") ? c.mask("mask") : Tensor<bool>(),
                                                          .causal = c.integer("causal") != 0,
                                                          .scale = c.real("scale"),
                                                          .mask_fill = -1e9}));
}
