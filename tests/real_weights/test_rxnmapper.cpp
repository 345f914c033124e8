// An ALBERT from its real weights, which are a pickle, where scripts/fetch_real_weights.sh has fetched them.
#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/albert_heads.hpp>

#include "support/golden.hpp"
#include "support/real_weights.hpp"

using namespace gloss;

TEST_CASE("real weights: an ALBERT of chemical reactions says what transformers says") {
  const std::string folder = gloss_test::real_weights("rxnmapper");
  if (folder.empty()) return;
  const gloss_test::Golden golden("rxnmapper.safetensors");
  const models::BertInput reactions{golden.tensor<std::int64_t>("ids"), golden.tensor<std::int64_t>("mask")};
  const auto error = [&](const Tensor<float>& y, const char* key) {  // the largest, of the largest number
    const auto wanted = golden.tensor<float>(key);
    return max(abs(y - wanted)).item() / max(abs(wanted)).item();
  };
  const NoGradGuard no_grad;
  const auto trunk = io::from_pretrained<models::AlbertModel<float>>(folder)(reactions);
  CHECK(error(trunk.last_hidden_state, "hidden") < 1e-5f);
  CHECK(error(trunk.pooler_output, "pooled") < 1e-5f);
  const auto logits = io::from_pretrained<models::AlbertForMaskedLM<float>>(folder)(reactions);
  CHECK(logits.shape() == Shape{2, 35, 591});
  CHECK(error(logits.narrow(-1, 0, 48), "logits") < 1e-5f);
  CHECK(equal(argmax(logits, -1), golden.tensor<std::int64_t>("best")));
}
