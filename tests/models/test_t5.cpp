// T5 against transformers'.
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/models/t5.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check(const std::string& name) {
  INFO(name);
  ModelGolden<models::T5ForConditionalGeneration<T>> g(name);
  const auto ids = g.ids("input_ids"), mask = g.ids("attention_mask"), labels = g.ids("labels");
  g.check("logits", g.model(ids, mask, g.model.shifted(labels)));
  g.check_loss(g.model.loss(ids, mask, labels));
  g.check_saved();
  gloss_test::check_generated(g);
}

models::T5Config tiny() {
  return {.vocab_size = 20,
          .d_model = 8,
          .d_kv = 3,
          .d_ff = 12,
          .num_layers = 2,
          .num_heads = 2,
          .relative_attention_num_buckets = 8,
          .relative_attention_max_distance = 6};
}

}  // namespace

TEST_CASE("t5: it is transformers', and says what its generate() says") {
  for (const char* name : {"t5", "t5_gated", "t5_silu"}) {
    check<float>(name);
    check<double>(name);
  }
}

TEST_CASE("t5: whether the head is the table of words is said by the file") {
  const auto read = [](const std::string& name) {
    return io::from_pretrained<models::T5ForConditionalGeneration<float>>(GLOSS_TEST_DATA "/models/" + name).config;
  };
  CHECK(read("t5").tie_word_embeddings);
  CHECK(read("t5").scales_outputs());
  CHECK_FALSE(read("t5_gated").tie_word_embeddings);
  CHECK_FALSE(read("t5_gated").scales_outputs());
}

TEST_CASE("t5: with a cache greedy search says what the forward says without one, padded sources too") {
  const auto g = ModelGolden<models::T5ForConditionalGeneration<double>>("t5_gated");
  const NoGradGuard no_grad;
  const auto ids = g.ids("input_ids"), mask = g.ids("attention_mask");
  const auto found =
      decode::greedy_search(g.model, ids, (mask != 0).unsqueeze(1), {.start = 0, .end = -1, .max_len = 8});
  for (Index row = 0; row < 2; ++row) {
    const auto& said = found[static_cast<std::size_t>(row)].tokens;
    CHECK(said.size() == 8);
    gloss_test::check_greedy(
        {0}, said, [&](const auto& text) { return g.model(ids.narrow(0, row, 1), mask.narrow(0, row, 1), text); });
  }
}

TEST_CASE("t5: every member is visited, dropout is where it should be, what does not fit is said") {
  models::T5ForConditionalGeneration<float> model(tiny());
  nn::check(model);
  models::T5Config gated = tiny();
  gated.feed_forward_proj = "gated-silu";
  models::T5ForConditionalGeneration<float> other(gated);
  nn::check(other);
  const Tensor<std::int64_t> ids{{2, 7, 5, 19, 3}}, target{{0, 4, 9}};
  CHECK_FALSE(equal(model(ids, {}, target), model(ids, {}, target)));
  model.eval();
  CHECK(equal(model(ids, {}, target), model(ids, {}, target)));
  CHECK_ERROR(model(zeros<std::int64_t>({3}), {}, target), ShapeError,
              "T5ForConditionalGeneration: ids [3] must be [batch, length]");
  CHECK_ERROR(model(ids, ones<std::int64_t>({1, 4}), target), ShapeError,
              "T5ForConditionalGeneration: attention_mask [1, 4] must be [1, 5] as input_ids");
  CHECK_ERROR(model.shifted(zeros<std::int64_t>({3})), ShapeError,
              "T5ForConditionalGeneration: labels [3] must be [batch, n]");
  gated.feed_forward_proj = "gated-gulu";
  CHECK_ERROR(models::T5ForConditionalGeneration<float>(gated), Error,
              "activation: 'gulu' is none of gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu, relu, silu, "
              "swish, tanh");
}
