// A Llama that computes with the blocks of its GGUF file.
#include <gloss/gloss.hpp>
#include <gloss/models/llama_gguf_packed.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::relative_to_largest;
using gloss_test::same_bits;

namespace {
const std::string path = GLOSS_TEST_DATA "/models/llama_blocks.gguf";
}

TEST_CASE("packed_llama_from_gguf: the weights are those of the float model, and scores are near its scores") {
  const auto whole = models::llama_from_gguf<float>(path);
  nn::QuantizeReport report;
  const auto packed = models::packed_llama_from_gguf(path, &report);
  CHECK(report.weights.size() == 8);  // all but attn_output, which is F16
  CHECK(report.bytes_after < report.bytes_before / 2);
  CHECK_FALSE(packed.is_training());
  const auto& layer = packed.model.layers[0];
  const auto& whole_layer = whole.model.layers[0];
  const auto numbers_of = [](const Tensor<float>& weight) {
    return embedding(arange<std::int64_t>(0, weight.size(0)), weight);
  };
  CHECK(same_bits(numbers_of(packed.model.embed_tokens.weight), whole.model.embed_tokens.weight.detach()));
  CHECK(same_bits(numbers_of(layer.self_attn.q_proj.weight), whole_layer.self_attn.q_proj.weight.detach()));
  CHECK(same_bits(numbers_of(layer.self_attn.k_proj.weight), whole_layer.self_attn.k_proj.weight.detach()));
  CHECK(same_bits(numbers_of(layer.self_attn.v_proj.weight), whole_layer.self_attn.v_proj.weight.detach()));
  CHECK(same_bits(numbers_of(layer.mlp.down_proj.weight), whole_layer.mlp.down_proj.weight.detach()));
  CHECK(same_bits(layer.self_attn.o_proj.weight.detach(), whole_layer.self_attn.o_proj.weight.detach()));
  CHECK(same_bits(numbers_of(packed.lm_head.weight), whole.lm_head.weight.detach()));
  const NoGradGuard no_grad;
  const Tensor<std::int64_t> ids = {{3, 1, 4, 1, 5, 9, 69}};
  const Tensor<float> expected = whole(ids), scores = packed(ids);
  CHECK(relative_to_largest(scores, expected) < 0.04);
  CHECK(relative_to_largest(scores, expected) > 1e-5);
}

TEST_CASE("packed_llama_from_gguf: a file of floats is refused") {
  const std::string floats = GLOSS_TEST_DATA "/models/llama.gguf";
  CHECK_ERROR(models::packed_llama_from_gguf(floats), Error,
              "keep_blocks: " + floats + " has no weight of the model in blocks that are kept");
}
