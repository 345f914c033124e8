// Folders of pretrained models: what is wrong with one is said.
#include <gloss/gloss.hpp>
#include <gloss/io/config_file.hpp>
#include <gloss/io/model_folder.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/bert_heads.hpp>

#include "support/tensors.hpp"

using namespace gloss;
using models::BertConfig;

TEST_CASE("config: what is said is read, the rest is the default") {
  const auto c = io::parse_config<BertConfig>(R"({"model_type": "bert", "hidden_size": 24, "classifier_dropout": 0.25,
    "hidden_act": "relu", "layer_norm_eps": 1e-5, "is_decoder": false, "use_cache": true, "pad_token_id": null,
    "id2label": {"0": "a", "1": "b", "2": "c"}})");
  CHECK(c.hidden_size == 24);
  CHECK(c.classifier_dropout == 0.25);
  CHECK(c.hidden_act == "relu");
  CHECK(c.layer_norm_eps == 1e-5);
  CHECK(c.pad_token_id == 0);
  CHECK(c.num_labels == 3);
  CHECK(c.vocab_size == 30522);
  const auto again = io::parse_config<BertConfig>(io::config_json(c, "BertModel"));
  CHECK(again.classifier_dropout == 0.25);
  CHECK(again.num_labels == 3);
  CHECK(again.layer_norm_eps == 1e-5);
  CHECK_FALSE(io::parse_config<BertConfig>(io::config_json(BertConfig{}, "BertModel")).classifier_dropout.has_value());
}

TEST_CASE("config: what is wrong is said") {
  CHECK_ERROR(io::parse_config<BertConfig>("[1]"), LoadError, "read_config: config.json: it is not a JSON object");
  CHECK_ERROR(io::parse_config<BertConfig>("{"), LoadError, "read_config: config.json: it is not a JSON object");
  CHECK_ERROR(io::parse_config<BertConfig>(R"({"model_type": "gpt2"})"), LoadError,
              "read_config: config.json: model_type is \"gpt2\", bert is wanted");
  CHECK_ERROR(io::parse_config<BertConfig>(R"({"hidden_size": "wide"})"), LoadError,
              "read_config: config.json: hidden_size is \"wide\", which has another type than this model's");
  CHECK_ERROR(io::parse_config<BertConfig>(R"({"hidden_size": 1.5})"), LoadError,
              "read_config: config.json: hidden_size is 1.5, which has another type than this model's");
  CHECK_ERROR(io::parse_config<BertConfig>(R"({"is_decoder": true})"), Error,
              "BertConfig: a BERT that is a decoder is not known");
}

TEST_CASE("pretrained: of a model that is all there nothing is drawn") {
  manual_seed(3);
  const Tensor<float> wanted = randn<float>({4});
  manual_seed(3);
  io::from_pretrained<models::BertModel<float>>(GLOSS_TEST_DATA "/models/bert");
  CHECK(equal(randn<float>({4}), wanted));
}

TEST_CASE("pretrained: a new head, a missing part, a folder that is none") {
  const std::string bert = GLOSS_TEST_DATA "/models/bert";
  using Classifier = models::BertForSequenceClassification<float>;
  nn::LoadReport report;
  BertConfig c = io::read_config<BertConfig>(bert + "/config.json");
  c.num_labels = 5;
  const auto model = io::from_pretrained<Classifier>(bert, c, {.new_parts = true, .report = &report});
  CHECK(model.config.num_labels == 5);
  CHECK_FALSE(model.is_training());
  CHECK(report.missing == std::vector<std::string>{"classifier.weight", "classifier.bias"});
  CHECK(report.unexpected.empty());
  const auto trunk = io::from_pretrained<models::BertModel<float>>(bert);
  CHECK(equal(model.base_model.pooler->dense.weight, trunk.pooler->dense.weight));
  const auto drawn = std_dev(model.classifier.weight).item();  // of 40 numbers
  CHECK(drawn > 0.01f);
  CHECK(drawn < 0.04f);

  CHECK_ERROR(
      io::from_pretrained<Classifier>(bert), LoadError,
      "from_pretrained: " + bert +
          ": not all of BertForSequenceClassification is there; {.new_parts = true} leaves what is new as it was "
          "drawn\n"
          "  classifier.weight is missing\n  classifier.bias is missing");
  io::from_pretrained<models::BertModel<float>>(GLOSS_TEST_DATA "/models/bert_pre_training", {.report = &report});
  CHECK(report.missing.empty());
  CHECK(report.unexpected.size() == 7);
  c.hidden_size = 10;
  std::string shapes;
  try {
    io::from_pretrained<models::BertModel<float>>(bert, c);
  } catch (const LoadError& e) {
    shapes = e.what();
  }
  CHECK(shapes.find(" has shape [20, 8], the model's has [20, 10]") != std::string::npos);
  CHECK_ERROR(io::from_pretrained<models::BertModel<float>>("/no/such/folder"), Error,
              "read_file: /no/such/folder/config.json: No such file or directory");
}
