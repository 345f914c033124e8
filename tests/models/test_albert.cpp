// ALBERT against transformers'.
#include <gloss/models/albert.hpp>
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
void check() {
  for (const char* name : {"albert", "albert_groups"}) {
    INFO(name);
    ModelGolden<models::AlbertModel<T>> g(name);
    const auto y = g.model(input(g));
    g.check("last_hidden_state", y.last_hidden_state);
    g.check("pooler_output", y.pooler_output);
    g.check_loss(g.weighed("last_hidden_state", y.last_hidden_state) + g.weighed("pooler_output", y.pooler_output));
    g.check_saved();
  }
  ModelGolden<models::AlbertForMaskedLM<T>> g("albert_masked");
  g.check("logits", g.model(input(g)));
  g.check_loss(g.model.loss(input(g), g.ids("labels")));
  g.check_saved();
}

}  // namespace

TEST_CASE("albert: it is transformers', in float") { check<float>(); }
TEST_CASE("albert: it is transformers', in double") { check<double>(); }

TEST_CASE("albert: every member is visited, what does not fit is said") {
  models::AlbertConfig c{.vocab_size = 20,
                         .embedding_size = 6,
                         .hidden_size = 8,
                         .num_hidden_layers = 3,
                         .num_attention_heads = 2,
                         .intermediate_size = 12,
                         .max_position_embeddings = 10};
  models::AlbertForMaskedLM<float> model(c);
  nn::check(model);
  CHECK_ERROR(model({zeros<std::int64_t>({1, 11})}), ShapeError,
              "AlbertModel: input_ids [1, 11] are longer than max_position_embeddings 10");
  c.num_hidden_groups = 4;
  CHECK_ERROR(models::AlbertModel<float>(c), Error, "AlbertConfig: num_hidden_groups 4 is not in [1, 3]");
}
