// BERT and its heads against transformers'.
#include <gloss/models/activation.hpp>
#include <gloss/models/bert.hpp>
#include <gloss/models/bert_heads.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/packed_texts.hpp>
#include <gloss/models/text_heads.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class M>
models::BertInput input(const ModelGolden<M>& g) {
  return {g.ids("input_ids"), g.ids("attention_mask"), g.ids("token_type_ids"), g.ids("position_ids")};
}

template <class T>
void check_trunk(const std::string& name) {
  ModelGolden<models::BertModel<T>> g(name);
  const auto y = g.model(input(g));
  g.check("last_hidden_state", y.last_hidden_state);
  g.check("pooler_output", y.pooler_output);
  g.check_loss(g.weighed("last_hidden_state", y.last_hidden_state) + g.weighed("pooler_output", y.pooler_output));
  g.check_saved();
}

/// A head with logits and a loss of whole numbers.
template <class M>
void check_head(const std::string& name) {
  ModelGolden<M> g(name);
  g.check("logits", g.model(input(g)));
  g.check_loss(g.model.loss(input(g), g.ids("labels")));
  g.check_saved();
}

template <class T>
void check_heads() {
  check_head<models::BertForMaskedLM<T>>("bert_masked");
  check_head<models::BertForNextSentencePrediction<T>>("bert_next");
  check_head<models::BertForSequenceClassification<T>>("bert_classes");
  check_head<models::BertForTokenClassification<T>>("bert_tokens");
  check_head<models::BertForMultipleChoice<T>>("bert_choices");
  for (const char* name : {"bert_number", "bert_many_labels"}) {
    ModelGolden<models::BertForSequenceClassification<T>> g(name);
    g.check("logits", g.model(input(g)));
    g.check_loss(g.model.loss(input(g), g.numbers("labels")));
    g.check_saved();
  }
  {
    ModelGolden<models::BertForPreTraining<T>> g("bert_pre_training");
    const auto y = g.model(input(g));
    g.check("prediction_logits", y.prediction_logits);
    g.check("seq_relationship_logits", y.seq_relationship_logits);
    g.check_loss(g.model.loss(input(g), g.ids("labels"), g.ids("next_sentence_label")));
    g.check_saved();
  }
  ModelGolden<models::BertForQuestionAnswering<T>> g("bert_answers");
  const auto y = g.model(input(g));
  g.check("start_logits", y.start_logits);
  g.check("end_logits", y.end_logits);
  g.check_loss(g.model.loss(input(g), g.ids("start_positions"), g.ids("end_positions")));
  g.check_saved();
}

models::BertConfig tiny() {
  return {.vocab_size = 20,
          .hidden_size = 8,
          .num_hidden_layers = 2,
          .num_attention_heads = 2,
          .intermediate_size = 12,
          .max_position_embeddings = 10};
}

}  // namespace

TEST_CASE("bert: the trunk is transformers'") {
  for (const char* name : {"bert", "bert_ids_alone", "bert_places"}) {
    check_trunk<float>(name);
    check_trunk<double>(name);
  }
}

TEST_CASE("bert: the heads are transformers', in float") { check_heads<float>(); }
TEST_CASE("bert: the heads are transformers', in double") { check_heads<double>(); }

TEST_CASE("bert: every member is visited, dropout is where it should be") {
  models::BertForSequenceClassification<float> model(tiny());
  nn::check(model);
  const Tensor<std::int64_t> ids{{2, 7, 5, 19, 3}};
  model.eval();
  CHECK(equal(model({ids}), model({ids})));
  model.train();
  CHECK_FALSE(equal(model({ids}), model({ids})));
  models::BertConfig c = tiny();
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
  c.classifier_dropout = 0;
  models::BertForSequenceClassification<float> sober(c);
  CHECK(equal(sober({ids}), sober({ids})));
}

TEST_CASE("bert: padding behind a text changes nothing") {
  models::BertModel<double> model(tiny());
  model.eval();
  const auto alone = model({Tensor<std::int64_t>{{2, 7, 5}}}).last_hidden_state;
  const auto padded = model({.input_ids = Tensor<std::int64_t>{{2, 7, 5, 0, 0}},
                             .attention_mask = Tensor<std::int64_t>{{1, 1, 1, 0, 0}}})
                          .last_hidden_state.narrow(1, 0, 3);
  CHECK(allclose(alone, padded, {.rtol = 1e-12, .atol = 1e-12}));
}

TEST_CASE("bert: padding that is skipped has hidden states of 0, and what is left the same ones and gradients") {
  const Tensor<std::int64_t> ids{{2, 7, 5, 0, 0}, {2, 9, 4, 6, 3}, {0, 0, 0, 0, 0}, {0, 8, 0, 11, 12}};
  const Tensor<std::int64_t> mask{{1, 1, 1, 0, 0}, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}, {0, 1, 0, 1, 1}};
  const Tensor<std::int64_t> types{{0, 1, 1, 0, 0}, {0, 0, 1, 1, 1}, {0, 0, 0, 0, 0}, {0, 1, 0, 0, 0}};
  models::BertModel<double> whole(tiny(), false);
  whole.eval();
  models::BertModel<double> model = whole;
  const Tensor<double> kept = cast<double>(mask).unsqueeze(-1), weight = randn<double>({4, 5, 8}) * kept;
  const auto wanted = whole({ids, mask, types}).last_hidden_state;
  const auto found = model({ids, mask, types, {}, true}).last_hidden_state;
  CHECK(equal(found * (1 - kept), zeros<double>({4, 5, 8})));
  CHECK(allclose(found, wanted * kept, {.rtol = 1e-12, .atol = 1e-12}));
  sum(wanted * weight).backward();
  sum(found * weight).backward();
  const auto other = whole.named_parameters();
  for (std::size_t i = 0; i < other.size(); ++i) {
    INFO(other[i].first);
    CHECK(allclose(model.named_parameters()[i].second.grad(), other[i].second.grad(), {.rtol = 1e-10, .atol = 1e-12}));
  }
  const auto none = model({.input_ids = ids, .attention_mask = mask * 0, .skip_padding = true}).last_hidden_state;
  CHECK(equal(none, zeros<double>({4, 5, 8})));
  CHECK(equal(model({.input_ids = ids, .skip_padding = true}).last_hidden_state, model({ids}).last_hidden_state));
}

TEST_CASE("packed texts: rows, lengths, and what does not fit") {
  const models::PackedTexts texts(Tensor<std::int64_t>{{0, 1, 1}, {0, 0, 0}, {1, 0, 0}});
  CHECK(texts.lengths() == std::vector<Index>{2, 1});
  const Tensor<float> x = arange<float>(9).view({3, 3, 1});
  CHECK(equal(texts.pack(x), Tensor<float>{{{1}, {2}, {6}}}));
  CHECK(equal(texts.unpack(texts.pack(x)), Tensor<float>{{{0}, {1}, {2}}, {{0}, {0}, {0}}, {{6}, {0}, {0}}}));
  CHECK_ERROR(models::PackedTexts(zeros<std::int64_t>({3})), ShapeError,
              "PackedTexts: attention_mask [3] must be [batch, n]");
  CHECK_ERROR(texts.pack(zeros<float>({3, 4, 1})), ShapeError, "PackedTexts: x [3, 4, 1] must be [3, 3, d]");
  CHECK_ERROR(texts.unpack(zeros<float>({1, 4, 1})), ShapeError, "PackedTexts: x [1, 4, 1] must be [1, 3, d]");
  CHECK(models::PackedTexts(zeros<std::int64_t>({0, 3})).unpack(zeros<float>({1, 0, 2})).shape() == Shape{0, 3, 2});
}

TEST_CASE("bert: an encoder without a pooler has none in its file") {
  models::BertModel<float> model(tiny(), false);
  CHECK_FALSE(model({Tensor<std::int64_t>{{2, 7}}}).pooler_output.defined());
  for (const auto& [name, p] : model.named_parameters()) CHECK(name.find("pooler") == std::string::npos);
}

TEST_CASE("bert: what does not fit is said") {
  models::BertModel<float> model(tiny());
  CHECK_ERROR(model({zeros<std::int64_t>({1, 11})}), ShapeError,
              "BertModel: input_ids [1, 11] are longer than max_position_embeddings 10");
  CHECK_ERROR(model({zeros<std::int64_t>({11})}), ShapeError, "BertModel: input_ids [11] must be [batch, n]");
  CHECK_ERROR(model({zeros<std::int64_t>({1, 4}), ones<std::int64_t>({1, 3})}), ShapeError,
              "BertModel: attention_mask [1, 3] must be [1, 4] as input_ids");
  CHECK_THROWS_AS(model({Tensor<std::int64_t>{{20}}}), IndexError);
  const models::BertForMultipleChoice<float> choice(tiny());
  CHECK_ERROR(choice({zeros<std::int64_t>({1, 4})}), ShapeError,
              "MultipleChoice: input_ids [1, 4] must be [batch, choices, n]");
  CHECK_ERROR(choice({zeros<std::int64_t>({1, 2, 4}), ones<std::int64_t>({2, 4})}), ShapeError,
              "MultipleChoice: attention_mask [2, 4] must be [1, 2, 4] as input_ids");
  models::BertConfig c = tiny();
  c.position_embedding_type = "relative_key";
  CHECK_ERROR(models::BertModel<float>(c), Error,
              "BertConfig: position_embedding_type relative_key: only absolute is known");
  c = tiny();
  c.hidden_act = "gulu";
  CHECK_ERROR(models::BertModel<float>(c), Error,
              "activation: 'gulu' is none of gelu, gelu_new, gelu_pytorch_tanh, "
              "gelu_fast, quick_gelu, relu, silu, swish, tanh");
}
