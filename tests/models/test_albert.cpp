// ALBERT and its heads against transformers'.
#include <gloss/models/albert.hpp>
#include <gloss/models/albert_heads.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class M>
models::BertInput input(const ModelGolden<M>& g) {
  return {g.ids("input_ids"), g.ids("attention_mask"), g.ids("token_type_ids")};
}

template <class T>
void check_trunk() {
  for (const char* name : {"albert", "albert_groups"}) {
    INFO(name);
    ModelGolden<models::AlbertModel<T>> g(name);
    const auto y = g.model(input(g));
    g.check("last_hidden_state", y.last_hidden_state);
    g.check("pooler_output", y.pooler_output);
    g.check_loss(g.weighed("last_hidden_state", y.last_hidden_state) + g.weighed("pooler_output", y.pooler_output));
    g.check_saved();
  }
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
  check_head<models::AlbertForMaskedLM<T>>("albert_masked");
  check_head<models::AlbertForSequenceClassification<T>>("albert_classes");
  check_head<models::AlbertForTokenClassification<T>>("albert_tokens");
  check_head<models::AlbertForMultipleChoice<T>>("albert_choices");
  {
    ModelGolden<models::AlbertForSequenceClassification<T>> g("albert_number");
    g.check("logits", g.model(input(g)));
    g.check_loss(g.model.loss(input(g), g.numbers("labels")));
    g.check_saved();
  }
  {
    ModelGolden<models::AlbertForPreTraining<T>> g("albert_pre_training");
    const auto y = g.model(input(g));
    g.check("prediction_logits", y.prediction_logits);
    g.check("sop_logits", y.sop_logits);
    g.check_loss(g.model.loss(input(g), g.ids("labels"), g.ids("sentence_order_label")));
    g.check_saved();
  }
  ModelGolden<models::AlbertForQuestionAnswering<T>> g("albert_answers");
  const auto y = g.model(input(g));
  g.check("start_logits", y.start_logits);
  g.check("end_logits", y.end_logits);
  g.check_loss(g.model.loss(input(g), g.ids("start_positions"), g.ids("end_positions")));
  g.check_saved();
}

models::AlbertConfig tiny() {
  return {.vocab_size = 20,
          .embedding_size = 6,
          .hidden_size = 8,
          .num_hidden_layers = 3,
          .num_attention_heads = 2,
          .intermediate_size = 12,
          .max_position_embeddings = 10};
}

}  // namespace

TEST_CASE("albert: the trunk is transformers', in float") { check_trunk<float>(); }
TEST_CASE("albert: the trunk is transformers', in double") { check_trunk<double>(); }
TEST_CASE("albert: the heads are transformers', in float") { check_heads<float>(); }
TEST_CASE("albert: the heads are transformers', in double") { check_heads<double>(); }

TEST_CASE("albert: every member is visited, dropout is where it should be") {
  nn::check(models::AlbertForMaskedLM<float>(tiny()));
  nn::check(models::AlbertForTokenClassification<float>(tiny()));
  nn::check(models::AlbertForQuestionAnswering<float>(tiny()));
  nn::check(models::AlbertForMultipleChoice<float>(tiny()));
  const Tensor<std::int64_t> ids{{2, 7, 5, 19, 3}};
  models::AlbertForPreTraining<float> order(tiny());
  nn::check(order);
  CHECK(equal(order({ids}).prediction_logits, order({ids}).prediction_logits));
  CHECK_FALSE(equal(order({ids}).sop_logits, order({ids}).sop_logits));
  models::AlbertConfig c = tiny();
  models::AlbertForSequenceClassification<float> model(c);
  nn::check(model);
  CHECK_FALSE(equal(model({ids}), model({ids})));
  model.eval();
  CHECK(equal(model({ids}), model({ids})));
  c.classifier_dropout_prob = 0;
  const models::AlbertForSequenceClassification<float> sober(c);
  CHECK(equal(sober({ids}), sober({ids})));
}

TEST_CASE("albert: what does not fit is said") {
  models::AlbertConfig c = tiny();
  CHECK_ERROR(models::AlbertForMaskedLM<float>(c)({zeros<std::int64_t>({1, 11})}), ShapeError,
              "AlbertModel: input_ids [1, 11] are longer than max_position_embeddings 10");
  c.num_hidden_groups = 4;
  CHECK_ERROR(models::AlbertModel<float>(c), Error, "AlbertConfig: num_hidden_groups 4 is not in [1, 3]");
}
