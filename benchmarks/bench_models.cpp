// bench_models CASE FOLDER OUT: the work of a case of benchmarks/peers/models.py, which makes the folder: a model as
// transformers saves it, and inputs.safetensors. Writes the result to OUT; then, for each line of standard input, does
// the work once and prints how many milliseconds it took. CASE/int8 and CASE/bfloat16 keep the weights in fewer bits.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include <gloss/core/clock.hpp>
#include <gloss/decode/causal_stepper.hpp>
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/decode/greedy.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/bert.hpp>
#include <gloss/models/gpt2.hpp>
#include <gloss/models/llama_gguf_packed.hpp>
#include <gloss/models/t5.hpp>
#include <gloss/nn/quantize.hpp>

using namespace gloss;

namespace {

constexpr Index gpt2_tokens = 64, t5_tokens = 32;

template <class M>
std::shared_ptr<const M> load(const std::string& name, const std::string& folder) {
  const auto model = std::make_shared<M>(io::from_pretrained<M>(folder));
  if (name.ends_with("/int8")) nn::quantize(*model);
  if (name.ends_with("/bfloat16")) nn::quantize(*model, {.weights = nn::WeightFormat::bfloat16});
  return model;
}

io::NamedTensor as_tensor(const decode::Hypothesis& found) { return {"out", from_vector(found.tokens)}; }

/// A prompt of 256 tokens, and so many that are said.
std::function<io::NamedTensor()> work_of_gguf(const std::string& name, const std::string& path) {
  Tensor<std::int64_t> prompt = empty<std::int64_t>({1, 256});
  for (Index i = 0; i < prompt.numel(); ++i) prompt.data()[i] = 7919 * (i + 1) % 49000;
  const Index tokens = std::atoi(name.c_str() + name.find('/') + 1);
  const auto model = std::make_shared<models::LlamaForCausalLM<float>>(
      name.ends_with("/blocks") ? models::packed_llama_from_gguf(path) : models::llama_from_gguf<float>(path));
  return [=] {
    decode::CausalStepper stepper(*model);
    return as_tensor(decode::greedy_search(stepper, prompt, {.end = -1, .max_len = tokens})[0]);
  };
}

/// What is to be done and what comes of it. It holds the model.
std::function<io::NamedTensor()> work_of(const std::string& name, const std::string& folder) {
  if (name.starts_with("gguf")) return work_of_gguf(name, folder);
  const io::TensorFile inputs = io::load_safetensors(folder + "/inputs.safetensors");
  const auto ids = inputs.tensor<std::int64_t>("input_ids");
  if (name.starts_with("gpt2")) {
    const auto model = load<models::Gpt2LMHeadModel<float>>(name, folder);
    return [=] {
      decode::CausalStepper stepper(*model);
      return as_tensor(decode::greedy_search(stepper, ids, {.end = -1, .max_len = gpt2_tokens})[0]);
    };
  }
  if (name.starts_with("t5")) {
    const auto model = load<models::T5ForConditionalGeneration<float>>(name, folder);
    const Tensor<bool> all = ones<bool>({1, 1, ids.size(1)});
    return [=] {
      return as_tensor(decode::greedy_search(*model, ids, all, {.start = 0, .end = -1, .max_len = t5_tokens})[0]);
    };
  }
  const auto model = load<models::BertModel<float>>(name, folder);
  const models::BertInput text{
      .input_ids = ids, .attention_mask = inputs.tensor<std::int64_t>("attention_mask"), .skip_padding = true};
  return [=] {
    const NoGradGuard no_grad;
    return io::NamedTensor("out", (*model)(text).last_hidden_state);
  };
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "bench_models CASE FOLDER OUT\n");
    return 2;
  }
  try {
    const auto work = work_of(argv[1], argv[2]);
    io::save_safetensors(argv[3], {work()});
    std::printf("ready\n");
    std::fflush(stdout);
    for (int c = 0; (c = std::getchar()) != EOF;) {
      if (c != '\n') continue;
      const double begin = monotonic_seconds();
      work();
      std::printf("%.4f\n", 1e3 * (monotonic_seconds() - begin));
      std::fflush(stdout);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_models: %s\n", error.what());
    return 1;
  }
  return 0;
}
