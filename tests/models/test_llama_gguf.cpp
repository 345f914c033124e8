// Llama and Qwen from GGUF files: the same scores as from the folders that the files were made of.
#include <gloss/gloss.hpp>
#include <gloss/models/llama_gguf.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

std::string path_of(const std::string& name) { return GLOSS_TEST_DATA "/models/" + name + ".gguf"; }

template <class Config>
void check(const std::string& name) {
  INFO(name);
  const gloss_test::Golden golden("models/" + name + "/golden.safetensors");
  const auto model = models::llama_from_gguf<double, Config>(path_of(name));
  CHECK_FALSE(model.is_training());
  const NoGradGuard no_grad;
  const auto logits =
      model(golden.tensor<std::int64_t>("in/input_ids"), golden.tensor<std::int64_t>("in/attention_mask"));
  // the file has rope_freq_base and the epsilon in float
  CHECK(allclose(logits, golden.tensor<double>("out/logits"), {.rtol = 1e-6, .atol = 1e-6}));
}

}  // namespace

TEST_CASE("llama_gguf: scores are those of the original") {
  check<models::LlamaConfig>("llama");
  check<models::LlamaConfig>("llama_linear");
  check<models::Qwen2Config>("qwen2");
  check<models::Qwen3Config>("qwen3");
}

TEST_CASE("llama_gguf: what does not fit is said") {
  CHECK_ERROR(models::llama_from_gguf<float>(path_of("qwen2")), LoadError,
              "llama_from_gguf: " + path_of("qwen2") + ": its architecture is qwen2, llama is wanted");
  const std::string json = GLOSS_TEST_DATA "/models/llama/config.json";
  CHECK_ERROR(models::llama_from_gguf<float>(json), LoadError, "load_gguf: " + json + ": not a GGUF file: it looks like JSON");
}
