// Softmax, normalisation and losses against PyTorch: tests/golden/generate_ops.py
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
