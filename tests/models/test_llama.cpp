// Llama and Qwen against transformers'.
#include <gloss/decode/causal_stepper.hpp>
#include <gloss/decode/greedy.hpp>
#include <gloss/models/llama.hpp>
#include <gloss/models/rope.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class M>
void check(const std::string& name) {
  INFO(name);
  ModelGolden<M> g(name);
  const auto ids = g.ids("input_ids"), mask = g.ids("attention_mask");
  g.check("logits", g.model(ids, mask));
  g.check_loss(g.model.loss(ids, g.ids("labels"), mask));
  g.check_saved();
  if (g.golden.has("said/greedy")) gloss_test::check_continued(g, 2, 9), gloss_test::check_scored(g);
}
template <class T>
void check_all() {
  for (const char* name :
       {"llama", "llama_biased", "llama_linear", "llama_dynamic", "llama3", "llama_yarn", "llama_long", "llama_short"})
    check<models::LlamaForCausalLM<T>>(name);
  check<models::Qwen2ForCausalLM<T>>("qwen2");
  check<models::Qwen3ForCausalLM<T>>("qwen3");
}

models::LlamaConfig tiny() {
  return {.vocab_size = 20,
          .hidden_size = 12,
          .intermediate_size = 16,
          .num_hidden_layers = 2,
          .num_attention_heads = 6,
          .num_key_value_heads = 2,
          .head_dim = 4,
          .max_position_embeddings = 64};
}

}  // namespace

TEST_CASE("llama: Llama and Qwen are transformers', and say what its generate() says, in float") { check_all<float>(); }
TEST_CASE("llama: Llama and Qwen are transformers', and say what its generate() says, in double") {
  check_all<double>();
}

TEST_CASE("llama: with a cache, in one piece or several, the scores are those of the whole") {
  const auto ids = randint(1, 20, {3, 9});
  gloss_test::check_cached(ModelGolden<models::LlamaForCausalLM<double>>("llama_biased").model, ids);
  gloss_test::check_cached(ModelGolden<models::Qwen3ForCausalLM<double>>("qwen3").model, ids);
}

TEST_CASE("llama: greedy search says what the forward says without a cache") {
  manual_seed(3);
  models::LlamaForCausalLM<float> model(tiny());
  nn::check(model);
  model.eval();
  const NoGradGuard no_grad;
  decode::CausalStepper stepper(model);
  const auto prompt = Tensor<std::int64_t>{{3, 7}, {11, 2}};
  const auto found = decode::greedy_search(stepper, prompt, {.end = -1, .max_len = 10});
  for (Index row = 0; row < 2; ++row) {
    const auto& said = found[static_cast<std::size_t>(row)].tokens;
    CHECK(said.size() == 10);
    gloss_test::check_greedy({prompt.at({row, 0}), prompt.at({row, 1})}, said,
                             [&](const auto& text) { return model(text); });
  }
}

TEST_CASE("llama: what does not fit is said") {
  const auto changed = [](auto change) {
    models::LlamaConfig c = tiny();
    change(c);
    return models::LlamaForCausalLM<float>(c);
  };
  CHECK_ERROR(changed([](auto& c) { c.num_key_value_heads = 4; }), Error,
              "LlamaConfig: num_attention_heads 6 is not a multiple of num_key_value_heads 4");
  CHECK_ERROR(changed([](auto& c) { c.head_dim.reset(), c.hidden_size = 13; }), Error,
              "LlamaConfig: hidden_size 13 is not a multiple of num_attention_heads 6");
  CHECK_ERROR(changed([](auto& c) { c.head_dim = 3; }), Error, "rope: head_dim 3 is not even and positive");
  CHECK_ERROR(changed([](auto& c) { c.hidden_act = "gelu"; }), Error,
              "LlamaConfig: hidden_act gelu: only silu is known");
  CHECK_ERROR(changed([](auto& c) { c.use_sliding_window = true; }), Error,
              "LlamaConfig: use_sliding_window is not known");
  CHECK_ERROR(changed([](auto& c) { c.rope_parameters.rope_type = "spiral"; }), Error,
              "rope: rope_type 'spiral' is none of default, linear, dynamic, llama3, yarn, longrope");
  CHECK_ERROR(changed([](auto& c) { c.rope_parameters.rope_type = "linear"; }), Error, "rope: linear has no factor");
  CHECK_ERROR(changed([](auto& c) { c.rope_scaling = models::RopeParameters{.type = "linear", .factor = -1}; }), Error,
              "rope: factor -1 is not positive");
  CHECK_ERROR(changed([](auto& c) { c.rope_parameters.rope_type = "longrope"; }), Error,
              "rope: longrope has 0 divisors, 2 are wanted");
  models::LlamaForCausalLM<float> model(tiny());
  CHECK_ERROR(model(zeros<std::int64_t>({3})), ShapeError, "LlamaModel: ids [3] must be [batch, n]");
  CHECK_ERROR(model(zeros<std::int64_t>({2, 3}), ones<std::int64_t>({2, 2})), ShapeError,
              "LlamaModel: attention_mask [2, 2] must be [2, 3]");
}
