// A sentence as one vector: a BERT's mean over the tokens, as sentence-transformers makes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/io/crc.hpp>
#include <gloss/io/open_tensor_file.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/bert.hpp>
#include <gloss/text/tokenizer_json.hpp>
#include <nlohmann/json.hpp>

namespace sentences {

using gloss::Index, gloss::Tensor;
using Ids = std::vector<std::int64_t>;

/// A number, as text, that changes with what a model says: its weights, its settings and its tokenizer.
inline std::string model_checksum(const std::string& folder) {
  std::string parts;
  const gloss::io::TensorFile weights = gloss::io::open_tensor_file(folder);
  for (const gloss::io::StoredTensor& t : weights.tensors())
    parts += t.name + " " + std::to_string(gloss::io::crc32(t.bytes)) + "\n";
  for (const char* name : {"/config.json", "/tokenizer.json"}) parts += gloss::read_file(folder + name) + "\n";
  return std::to_string(gloss::io::crc32(parts));
}

/// Errors: LoadError when the folder says that its sentences are not the mean over their tokens.
inline void check_pooling(const std::string& folder) {
  const std::string path = folder + "/1_Pooling/config.json";
  if (!std::filesystem::exists(path)) return;
  const auto json = nlohmann::json::parse(gloss::read_file(path), nullptr, false);
  if (!json.is_object() || json.value("pooling_mode_mean_tokens", nlohmann::json()) != true)
    gloss::fail<gloss::LoadError>(path, ": only the mean over the tokens is known, which it does not ask for");
}

class Embedder {
 public:
  /// From a folder with config.json, weights and tokenizer.json. Texts of more than max_length tokens are cut.
  /// Errors: LoadError or Error when one is missing, damaged or not of a BERT.
  Embedder(const std::string& folder, Index max_length)
      : model_(load_model(folder)), tokenizer_(gloss::text::load_tokenizer(folder + "/tokenizer.json")) {
    check_pooling(folder);
    if (tokenizer_.size() > model_.config.vocab_size)
      gloss::fail<gloss::LoadError>(folder, ": tokenizer.json has ", tokenizer_.size(), " tokens, the model ",
                                    model_.config.vocab_size);
    const Index most = (std::min)(max_length, model_.config.max_position_embeddings);
    tokenizer_.truncation = gloss::text::Truncation{.max_length = most};
    tokenizer_.padding = {};
  }
  Index dimension() const { return model_.config.hidden_size; }
  Index max_length() const { return tokenizer_.truncation->max_length; }

  /// Errors: Error for a text that is not UTF-8.
  Ids tokens(const std::string& text) const {
    const std::size_t bad = gloss::text::find_ill_formed_utf8(text);
    if (bad != std::string::npos) gloss::fail("not UTF-8 at byte ", bad + 1, " of the line");
    return tokenizer_(text).ids;
  }
  /// Shape: [texts, dimension()]; 0 for a text without tokens.
  Tensor<float> embed(const std::vector<Ids>& texts) const {
    const gloss::NoGradGuard no_grad;
    std::size_t longest = 1;
    for (const Ids& text : texts) longest = (std::max)(longest, text.size());
    Ids ids, mask;
    for (const Ids& text : texts) {
      ids.insert(ids.end(), text.begin(), text.end());
      mask.insert(mask.end(), text.size(), 1);
      ids.insert(ids.end(), longest - text.size(), model_.config.pad_token_id);
      mask.insert(mask.end(), longest - text.size(), 0);
    }
    const gloss::Shape shape = {static_cast<Index>(texts.size()), static_cast<Index>(longest)};
    const Tensor<std::int64_t> attention = gloss::from_vector(mask, shape);
    const Tensor<float> counts = gloss::cast<float>(attention).unsqueeze(-1);
    const Tensor<float> x =
        model_({.input_ids = gloss::from_vector(ids, shape), .attention_mask = attention, .skip_padding = true})
            .last_hidden_state;
    return gloss::sum(x * counts, 1) / gloss::clamp_min(gloss::sum(counts, 1), 1);
  }

 private:
  using Model = gloss::models::BertModel<float>;
  /// The pooler is not used, so that it may be missing.
  static Model load_model(const std::string& folder) {
    gloss::nn::LoadReport report;
    Model model = gloss::io::from_pretrained<Model>(folder, {.new_parts = true, .report = &report});
    for (const std::string& name : report.missing)
      if (!name.starts_with("pooler.")) gloss::fail<gloss::LoadError>(folder, ": the weights lack ", name);
    model.pooler.reset();
    return model;
  }

  Model model_;
  gloss::text::Pipeline tokenizer_;
};

}  // namespace sentences
