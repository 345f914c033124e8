// The model: a BERT or an ALBERT with a classifier, from a folder, fresh, or as it was trained.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gloss/io/pretrained.hpp>
#include <gloss/models/albert_heads.hpp>
#include <gloss/models/bert_heads.hpp>
#include <gloss/nn/freeze.hpp>
#include <gloss/text/train_tokenizer.hpp>
#include <nlohmann/json.hpp>

#include "settings.hpp"

using Bert = gloss::models::BertForSequenceClassification<float>;
using Albert = gloss::models::AlbertForSequenceClassification<float>;

/// Calls f<Bert>() or f<Albert>(), whichever the config.json is of.
template <class F>
int with_model_type(const std::string& config, F f) {
  const auto json = nlohmann::json::parse(config, nullptr, false);
  const bool is_albert = json.is_object() && json.contains("model_type") && json["model_type"] == "albert";
  return is_albert ? f.template operator()<Albert>() : f.template operator()<Bert>();
}

/// Config and tokenizer of the folder that is to be trained; without one, those of a small BERT with a vocabulary
/// learnt from the texts.
inline void prepare(Settings& s, const std::vector<Example>& texts) {
  if (!s.model.empty()) {
    s.config = gloss::read_file(s.model + "/config.json"), s.tokenizer = gloss::read_file(s.model + "/tokenizer.json");
    return;
  }
  std::vector<std::string> all;
  for (const auto& [text, label] : texts) all.push_back(text);
  s.tokenizer = gloss::text::train_bert_wordpiece(all, {.vocab_size = s.vocabulary});
  s.lr = s.head_lr;
  const gloss::models::BertConfig config{.vocab_size = gloss::text::parse_tokenizer(s.tokenizer).size(),
                                         .hidden_size = s.width,
                                         .num_hidden_layers = s.layers,
                                         .num_attention_heads = s.width % 32 == 0 ? s.width / 32 : 1,
                                         .intermediate_size = 4 * s.width,
                                         .max_position_embeddings = s.max_length};
  s.config = gloss::io::config_json(config, Bert::architecture);
}

/// Where config and tokenizer are from.
inline std::string place(const Settings& s, const char* file) { return s.loaded ? s.checkpoint : s.model + "/" + file; }

template <class Config>
gloss::text::Pipeline make_tokenizer(const Settings& s, const Config& config) {
  gloss::text::Pipeline tokenizer = gloss::text::parse_tokenizer(s.tokenizer, place(s, "tokenizer.json"));
  if (tokenizer.size() > config.vocab_size)
    gloss::fail<gloss::LoadError>(place(s, "tokenizer.json"), ": the tokenizer has ", tokenizer.size(),
                                  " tokens, the model ", config.vocab_size);
  const Index most = (std::min)(s.max_length, config.max_position_embeddings);
  tokenizer.truncation = gloss::text::Truncation{.max_length = most};
  tokenizer.padding = gloss::text::Padding{.pad_id = config.pad_token_id};
  return tokenizer;
}

/// A pretrained model with a new classifier, and with a new pooler where the folder has none; without a folder all new.
template <class M>
M make_model(const Settings& s, const typename M::Config& config) {
  if (s.loaded || s.model.empty()) return M(config);
  gloss::nn::LoadReport report;
  M model = gloss::io::from_pretrained<M>(s.model, config, {.new_parts = true, .report = &report});
  for (const std::string& name : report.missing)
    if (name.find("classifier.") == std::string::npos && name.find("pooler.") == std::string::npos)
      gloss::fail<gloss::LoadError>(s.model, ": the weights lack ", name);
  return model;
}

/// Whether a parameter is not one of the encoder.
inline bool is_of_head(std::string_view name) {
  return name.starts_with("classifier.") || name.find(".pooler.") != std::string_view::npos;
}

/// The first layers stay as they are, and the embeddings with them.
template <class M>
void freeze(M& model, Index layers) {
  const std::string layer = std::is_same_v<M, Albert> ? "albert.encoder.groups." : "bert.encoder.layer.";
  for (Index i = 0; i < layers; ++i) gloss::nn::freeze(model, layer + std::to_string(i));
  if (layers > 0) gloss::nn::freeze(model, "*.embedding*");
}

/// What was trained, with its tokenizer.
template <class M>
struct Trained {
  M model;
  gloss::text::Pipeline tokenizer;
  std::vector<std::string> classes;

  /// Errors: LoadError when the checkpoint does not fit its own settings.
  explicit Trained(const Settings& s)
      : model(gloss::io::parse_config<typename M::Config>(s.config, s.checkpoint)),
        tokenizer(make_tokenizer(s, model.config)),
        classes(s.classes()) {
    gloss::train::Checkpoint file;
    file.add("model", model);
    file.load(s.checkpoint);
    model.eval();
  }
};
