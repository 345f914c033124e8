// Marian against transformers'.
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/models/marian.hpp>
#include <gloss/models/source_and_target.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check(const std::string& name) {
  INFO(name);
  ModelGolden<models::MarianMTModel<T>> g(name);
  const auto ids = g.ids("input_ids"), mask = g.ids("attention_mask"), labels = g.ids("labels");
  g.check("logits", g.model(ids, mask, g.model.shifted(labels)));
  g.check_loss(g.model.loss(ids, mask, labels));
  g.check_saved();
  gloss_test::check_generated(g, g.model.config.forbidden());
}

models::MarianConfig tiny() {
  return {.vocab_size = 20,
          .max_position_embeddings = 16,
          .d_model = 8,
          .encoder_layers = 2,
          .encoder_ffn_dim = 12,
          .encoder_attention_heads = 2,
          .decoder_layers = 2,
          .decoder_ffn_dim = 12,
          .decoder_attention_heads = 2,
          .dropout = 0,
          .pad_token_id = 19,
          .eos_token_id = 0,
          .decoder_start_token_id = 19};
}

}  // namespace

TEST_CASE("marian: it is transformers', and says what its generate() says") {
  for (const char* name : {"marian", "marian_split", "marian_untied"}) {
    check<float>(name);
    check<double>(name);
  }
}

TEST_CASE("marian: with a cache greedy search says what the forward says without one, padded sources too") {
  const auto g = ModelGolden<models::MarianMTModel<double>>("marian_split");
  const NoGradGuard no_grad;
  const auto ids = g.ids("input_ids"), mask = g.ids("attention_mask");
  const auto found =
      decode::greedy_search(g.model, ids, (mask != 0).unsqueeze(1), {.start = 19, .end = -1, .max_len = 12});
  for (Index row = 0; row < 2; ++row) {
    const auto& said = found[static_cast<std::size_t>(row)].tokens;
    CHECK(said.size() == 12);
    gloss_test::check_greedy(
        {19}, said, [&](const auto& text) { return g.model(ids.narrow(0, row, 1), mask.narrow(0, row, 1), text); });
  }
}

TEST_CASE("marian: old files have the table of words and the positions under each of their names") {
  const std::string folder = GLOSS_TEST_DATA "/models/marian";
  using Model = models::MarianMTModel<float>;
  const auto model = io::from_pretrained<Model>(folder);
  const io::TensorFile file = io::open_tensor_file(folder);
  std::vector<io::NamedTensor> all;
  for (const io::StoredTensor& t : file.tensors()) all.emplace_back(t.name, file.tensor<float>(t.name));
  const auto table = file.tensor<float>("model.shared.weight");
  for (const char* name : {"model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"})
    all.emplace_back(name, table.clone());
  for (const char* name : {"model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"})
    all.emplace_back(name, model.positions.clone());
  const TempFolder temp;
  io::save_safetensors(temp.file("model.safetensors"), all);
  temp.write("config.json", read_file(folder + "/config.json"));
  nn::LoadReport report;
  const auto other = io::from_pretrained<Model>(temp.file(""), {.report = &report});
  CHECK(report.missing.empty());
  CHECK(other.config.tie_word_embeddings);
  const Tensor<std::int64_t> ids{{2, 7, 5, 0}}, target{{19, 4, 9}};
  const NoGradGuard no_grad;
  CHECK(equal(model(ids, {}, target), other(ids, {}, target)));
}

TEST_CASE("marian: what is not to be said, and what this is not") {
  models::MarianConfig c = tiny();
  CHECK(c.forbidden() == std::vector<std::int64_t>{19});
  c.bad_words_ids = {{19}, {3}};
  CHECK(c.forbidden() == std::vector<std::int64_t>{19, 3});
  const auto read = [](const std::string& fields) {
    return io::parse_config<models::MarianConfig>(R"({"model_type": "marian", )" + fields + "}");
  };
  CHECK(read(R"("bad_words_ids": [[58100]], "vocab_size": 7)").forbidden() == std::vector<std::int64_t>{58100});
  CHECK(read(R"("decoder_vocab_size": 9, "share_encoder_decoder_embeddings": false)").target_words() == 9);
  CHECK_ERROR(read(R"("bad_words_ids": [[1, 2]])"), Error,
              "MarianConfig: bad_words_ids: a word of 2 tokens is not known");
  CHECK_ERROR(read(R"("normalize_before": true)"), Error, "MarianConfig: normalize_before is not known");
  CHECK_ERROR(read(R"("normalize_embedding": true)"), Error, "MarianConfig: normalize_embedding is not known");
  CHECK_ERROR(read(R"("add_final_layer_norm": true)"), Error, "MarianConfig: add_final_layer_norm is not known");
  CHECK_ERROR(read(R"("tie_word_embeddings": false)"), Error,
              "MarianConfig: share_encoder_decoder_embeddings without tie_word_embeddings is not known");
}

TEST_CASE("marian: every member is visited, dropout is where it should be, what does not fit is said") {
  models::MarianMTModel<float> model(tiny());
  nn::check(model);
  models::MarianConfig split = tiny();
  split.share_encoder_decoder_embeddings = false, split.decoder_vocab_size = 30;
  nn::check(models::MarianMTModel<float>(split));
  const Tensor<std::int64_t> ids{{2, 7, 5, 18, 3}}, target{{19, 4, 9}};
  CHECK(equal(model(ids, {}, target), model(ids, {}, target)));
  for (int which = 0; which < 5; ++which) {
    models::MarianConfig c = tiny();
    c.dropout = which == 0 ? 0.5 : 0, c.attention_dropout = which == 1 ? 0.5 : 0;
    c.activation_dropout = which == 2 ? 0.5 : 0;
    c.encoder_layerdrop = which == 3 ? 0.5 : 0, c.decoder_layerdrop = which == 4 ? 0.5 : 0;
    models::MarianMTModel<float> one(c);
    for (const auto& [name, p] : one.named_parameters())
      if (p.dim() > 1) nn::init::normal_(p);
    bool differs = false;  // of two layers one in four times both stay
    const auto first = one(ids, {}, target);
    for (int i = 0; i < 20; ++i) differs = differs || !equal(first, one(ids, {}, target));
    CHECK(differs);
    one.eval();
    CHECK(equal(one(ids, {}, target), one(ids, {}, target)));
  }
  CHECK_ERROR(model(zeros<std::int64_t>({3}), {}, target), ShapeError,
              "MarianMTModel: ids [3] must be [batch, length]");
  CHECK_ERROR(model(zeros<std::int64_t>({1, 17}), {}, target), ShapeError,
              "MarianMTModel: 17 positions go beyond max_position_embeddings 16");
  CHECK_ERROR(model(ids, ones<std::int64_t>({1, 4}), target), ShapeError,
              "MarianMTModel: attention_mask [1, 4] must be [1, 5] as input_ids");
  CHECK_ERROR(model.shifted(zeros<std::int64_t>({3})), ShapeError, "MarianMTModel: labels [3] must be [batch, n]");
}
