// Models as the world keeps them: a folder with config.json and model.safetensors. This program makes two such folders
// with random weights, since it downloads nothing; with those of a hub it is the same.
#include <filesystem>
#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/iostream.hpp>
#include <gloss/models/bert_heads.hpp>
#include <gloss/models/gpt2.hpp>
#include <iostream>

using namespace gloss;

/// What a sentence means, as one vector of length 1: the mean over its tokens.
Tensor<float> embed(const models::BertModel<float>& bert, const models::BertInput& text) {
  const Tensor<float> counts = cast<float>(text.attention_mask).unsqueeze(-1);
  const Tensor<float> tokens = bert(text).last_hidden_state;
  return normalize(sum(tokens * counts, 1) / sum(counts, 1));
}

int main() {
  const std::string folder = (std::filesystem::temp_directory_path() / "gloss_pretrained").string();
  manual_seed(5);
  io::save_pretrained(models::BertModel<float>({.vocab_size = 60,
                                                .hidden_size = 16,
                                                .num_hidden_layers = 2,
                                                .num_attention_heads = 2,
                                                .intermediate_size = 32,
                                                .initializer_range = 0.5}),
                      folder + "/bert");
  io::save_pretrained(
      models::Gpt2LMHeadModel<float>(
          {.vocab_size = 60, .n_positions = 32, .n_embd = 16, .n_layer = 2, .n_head = 2, .initializer_range = 0.5}),
      folder + "/gpt2");
  NoGradGuard no_grad;

  // An encoder: two sentences, the shorter one padded, and how alike they are.
  const auto bert = io::from_pretrained<models::BertModel<float>>(folder + "/bert");
  const models::BertInput text{.input_ids = Tensor<std::int64_t>{{2, 17, 31, 9, 3}, {2, 17, 31, 3, 0}},
                               .attention_mask = Tensor<std::int64_t>{{1, 1, 1, 1, 1}, {1, 1, 1, 1, 0}}};
  const Tensor<float> sentences = embed(bert, text);
  std::cout << "alike: " << sum(sentences[0] * sentences[1]) << "\n";

  // The same encoder under a head that the folder does not have: it begins at random, to be trained.
  models::BertConfig config = bert.config;
  config.num_labels = 3;
  nn::LoadReport report;
  using Classifier = models::BertForSequenceClassification<float>;
  const auto classifier =
      io::from_pretrained<Classifier>(folder + "/bert", config, {.new_parts = true, .report = &report});
  std::cout << "scores: " << classifier(text).shape() << ", new:";
  for (const std::string& name : report.missing) std::cout << " " << name;

  // A model that goes on with a text, token by token.
  const auto gpt2 = io::from_pretrained<models::Gpt2LMHeadModel<float>>(folder + "/gpt2");
  decode::CausalStepper stepper(gpt2);
  std::cout << "\nsaid:";
  for (const std::int64_t token :
       decode::generate(stepper, Tensor<std::int64_t>{{7, 1, 12}}, {.end = -1, .max_len = 8, .temperature = 0}))
    std::cout << " " << token;
  std::cout << "\n";
  std::filesystem::remove_all(folder);
}
