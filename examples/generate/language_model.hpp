// Any model of the library that writes text, from a folder as transformers has them or from a GGUF file.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gloss/decode/score.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/gpt2.hpp>
#include <gloss/models/llama_gguf.hpp>
#include <gloss/models/marian.hpp>
#include <gloss/models/t5.hpp>
#include <gloss/text/chat_file.hpp>
#include <gloss/text/gguf_tokenizer.hpp>
#include <gloss/text/marian_tokenizer.hpp>
#include <gloss/text/tokenizer_json.hpp>
#include <nlohmann/json.hpp>

#include "../fewer_bits.hpp"

namespace language {

using gloss::Index, gloss::decode::Tokens;
using Ids = gloss::Tensor<std::int64_t>;

inline Ids row(const Tokens& tokens) { return gloss::from_vector(tokens, {1, static_cast<Index>(tokens.size())}); }

/// What the program knows of a model.
struct Model {
  Index positions = 0;                     // most tokens of a text
  bool translates = false;                 // it reads one text and writes another
  std::vector<std::int64_t> ends;          // tokens with which a text ends
  Tokens forbidden;                        // tokens that are never said
  std::optional<std::int64_t> start = {};  // what a translator writes first

  virtual ~Model() = default;
  virtual gloss::nn::Module<float>& module() = 0;
  virtual std::unique_ptr<gloss::decode::Stepper<float>> stepper(const Tokens& source) const = 0;
  /// Scores of a text; a translator's for the source.
  virtual gloss::decode::TextScore score(const Tokens& source, const Tokens& text) const = 0;
};

/// Continues a text.
template <class M>
struct Causal final : Model {
  M model;
  explicit Causal(M m) : model(std::move(m)) {
    if constexpr (requires { model.config.n_positions; })
      positions = model.config.n_positions;
    else
      positions = model.config.max_position_embeddings;
  }
  gloss::nn::Module<float>& module() override { return model; }
  std::unique_ptr<gloss::decode::Stepper<float>> stepper(const Tokens&) const override {
    return std::make_unique<gloss::decode::CausalStepper<M>>(model);
  }
  gloss::decode::TextScore score(const Tokens&, const Tokens& text) const override {
    return gloss::decode::score(model, {text})[0];
  }
};

/// Reads a text and writes another.
template <class M>
struct Translator final : Model {
  M model;
  explicit Translator(M m) : model(std::move(m)) {
    translates = true;
    positions = Index{1} << 20;  // T5 has no limit
    if constexpr (requires { model.config.max_position_embeddings; }) {
      positions = model.config.max_position_embeddings;
      forbidden = model.config.forbidden();
    }
    start = model.config.decoder_start_token_id;
  }
  gloss::nn::Module<float>& module() override { return model; }
  std::unique_ptr<gloss::decode::Stepper<float>> stepper(const Tokens& source) const override {
    return std::make_unique<gloss::decode::EncoderDecoderStepper<M>>(model, row(source), all(source));
  }
  gloss::decode::TextScore score(const Tokens& source, const Tokens& text) const override {
    return gloss::decode::score(model, row(source), all(source), {text})[0];
  }

 private:
  static gloss::Tensor<bool> all(const Tokens& source) {
    return gloss::ones<bool>({1, 1, static_cast<Index>(source.size())});
  }
};

/// A model with its tokenizer.
class Language {
 public:
  /// With the weights of linear layers as "float", "bfloat16" or "int8".
  /// Errors: LoadError when something is missing, damaged or of a kind that is not known.
  Language(const std::string& path, const std::string& weights) : path_(path) {
    if (std::filesystem::is_directory(path))
      read_folder();
    else
      read_gguf();
    pack_weights(model_->module(), weights);
  }
  const Model& model() const { return *model_; }
  const gloss::text::Tokenizer& tokenizer() const {
    return marian_ ? static_cast<const gloss::text::Tokenizer&>(*marian_) : *pipeline_;
  }
  /// The tokens of a text, with those that the model wants around it unless the text has them already.
  /// Errors: Error for what is no UTF-8, and for no token at all.
  Tokens encode(const std::string& text, bool around = true) const {
    if (const std::size_t bad = gloss::text::find_ill_formed_utf8(text); bad != std::string::npos)
      gloss::fail("the text is not UTF-8 at byte ", bad + 1);
    std::vector<Index> ids = marian_ ? marian_->encode(text) : (*pipeline_)(text, {.add_special_tokens = around}).ids;
    if (marian_) ids.push_back(marian_->end_id());
    if (ids.empty()) gloss::fail("the text is empty");
    return {ids.begin(), ids.end()};
  }
  gloss::text::ChatTemplate chat() const {
    if (std::filesystem::is_directory(path_)) return gloss::text::load_chat_template(path_);
    return gloss::text::gguf_chat_template(gloss::io::load_gguf(path_), path_);
  }
  /// The id of a token, or -1.
  std::int64_t token(const std::string& text) const { return pipeline_ ? pipeline_->token_to_id(text) : -1; }

 private:
  template <template <class> class Kind, class M>
  void load() {
    model_ = std::make_unique<Kind<M>>(gloss::io::from_pretrained<M>(path_));
  }
  template <class Config>
  void load_gguf() {
    using M = gloss::models::LlamaForCausalLM<float, Config>;
    model_ = std::make_unique<Causal<M>>(gloss::models::llama_from_gguf<float, Config>(path_));
  }

  void read_folder() {
    namespace models = gloss::models;
    const nlohmann::json config = json_of("config.json");
    const auto type = config.find("model_type");
    const std::string kind = type != config.end() && type->is_string() ? type->get<std::string>() : "";
    if (kind == "gpt2")
      load<Causal, models::Gpt2LMHeadModel<float>>();
    else if (kind == "llama")
      load<Causal, models::LlamaForCausalLM<float>>();
    else if (kind == "qwen2")
      load<Causal, models::Qwen2ForCausalLM<float>>();
    else if (kind == "qwen3")
      load<Causal, models::Qwen3ForCausalLM<float>>();
    else if (kind == "t5")
      load<Translator, models::T5ForConditionalGeneration<float>>();
    else if (kind == "marian")
      load<Translator, models::MarianMTModel<float>>();
    else
      gloss::fail<gloss::LoadError>(path_, "/config.json: model_type is '", kind,
                                    "', only gpt2, llama, qwen2, qwen3, t5 and marian are known");
    const bool has_own = std::filesystem::exists(path_ + "/generation_config.json");
    for (const nlohmann::json& from :
         {has_own ? json_of("generation_config.json") : nlohmann::json::object(), config}) {
      const auto found = from.find("eos_token_id");
      if (found == from.end() || !model_->ends.empty()) continue;
      for (const nlohmann::json& id : found->is_array() ? *found : nlohmann::json::array({*found}))
        if (id.is_number_integer()) model_->ends.push_back(id.get<std::int64_t>());
    }
    const auto has = [&](const char* file) { return std::filesystem::exists(path_ + file); };
    if (kind == "marian")
      marian_.emplace(gloss::text::load_marian_tokenizer(path_));
    else if (!has("/tokenizer.json") && has("/merges.txt"))
      pipeline_.emplace(gloss::text::load_gpt2_tokenizer(path_ + "/vocab.json", path_ + "/merges.txt"));
    else if (!has("/tokenizer.json") && has("/spiece.model"))
      pipeline_.emplace(gloss::text::load_sentencepiece(path_ + "/spiece.model", {.add_eos = true}));
    else if (!has("/tokenizer.json") && has("/tokenizer.model"))
      pipeline_.emplace(gloss::text::load_sentencepiece(path_ + "/tokenizer.model", {.add_bos = true}));
    else
      pipeline_.emplace(gloss::text::load_tokenizer(path_ + "/tokenizer.json"));
  }
  nlohmann::json json_of(const std::string& name) const {
    const std::string path = path_ + "/" + name;
    nlohmann::json json = nlohmann::json::parse(gloss::read_file(path), nullptr, false);
    if (!json.is_object()) gloss::fail<gloss::LoadError>(path, ": it is not a JSON object");
    return json;
  }
  void read_gguf() {
    namespace models = gloss::models;
    const gloss::io::Gguf file = gloss::io::load_gguf(path_);
    const auto kind = file.value("general.architecture").as<std::string>();
    if (kind == "llama")
      load_gguf<models::LlamaConfig>();
    else if (kind == "qwen2")
      load_gguf<models::Qwen2Config>();
    else if (kind == "qwen3")
      load_gguf<models::Qwen3Config>();
    else
      gloss::fail<gloss::LoadError>(path_, ": general.architecture is '", kind,
                                    "', only llama, qwen2 and qwen3 are known");
    pipeline_.emplace(gloss::text::gguf_tokenizer(file, path_));
    for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
      if (const auto* id = file.find(key)) model_->ends.push_back(id->as<std::int64_t>());
  }

  std::string path_;
  std::unique_ptr<Model> model_;
  std::optional<gloss::text::Pipeline> pipeline_;
  std::optional<gloss::text::MarianTokenizer> marian_;
};

}  // namespace language
