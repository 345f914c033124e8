// BERT, the encoder; its heads are in models/bert_heads.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/packed_texts.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/transformer_encoder_layer.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/tanh.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in bert-base-uncased.
/// transformers: BertConfig
struct BertConfig {
  static constexpr std::string_view model_type = "bert";
  Index vocab_size = 30522, hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12;
  Index intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0.1, attention_probs_dropout_prob = 0.1;
  std::optional<double> classifier_dropout = {};  // none: hidden_dropout_prob
  Index max_position_embeddings = 512, type_vocab_size = 2, pad_token_id = 0;
  double initializer_range = 0.02, layer_norm_eps = 1e-12;
  Index num_labels = 2;
  std::string position_embedding_type = "absolute";
  bool is_decoder = false, add_cross_attention = false;

  /// Calls field(name, value) for each.
  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("hidden_size", hidden_size);
    field("num_hidden_layers", num_hidden_layers), field("num_attention_heads", num_attention_heads);
    field("intermediate_size", intermediate_size), field("hidden_act", hidden_act);
    field("hidden_dropout_prob", hidden_dropout_prob);
    field("attention_probs_dropout_prob", attention_probs_dropout_prob);
    field("classifier_dropout", classifier_dropout), field("max_position_embeddings", max_position_embeddings);
    field("type_vocab_size", type_vocab_size), field("pad_token_id", pad_token_id);
    field("initializer_range", initializer_range), field("layer_norm_eps", layer_norm_eps);
    field("num_labels", num_labels), field("position_embedding_type", position_embedding_type);
    field("is_decoder", is_decoder), field("add_cross_attention", add_cross_attention);
  }
  /// Errors: Error for what these classes are not.
  void check() const {
    if (position_embedding_type != "absolute")
      fail("BertConfig: position_embedding_type ", position_embedding_type, ": only absolute is known");
    if (is_decoder || add_cross_attention) fail("BertConfig: a BERT that is a decoder is not known");
  }
  double head_dropout() const { return classifier_dropout.value_or(hidden_dropout_prob); }
};

/// What every BERT takes. Only the ids have to be there.
/// Shape: each [batch, n]
struct BertInput {
  Tensor<std::int64_t> input_ids;
  Tensor<std::int64_t> attention_mask = {};  // 1: a token, 0: padding; all tokens where it is left out
  Tensor<std::int64_t> token_type_ids = {};  // which of two texts; 0 where it is left out
  Tensor<std::int64_t> position_ids = {};    // 0 .. n - 1 where it is left out
  bool skip_padding = false;  // leave padding out of the layers, which costs less; its hidden states are 0 then
};

/// Errors: ShapeError, as BertModel, in the name of `model`.
GLOSS_COLD inline void check_bert_input(const char* model, const BertInput& in, Index max_position_embeddings) {
  const Tensor<std::int64_t>& ids = in.input_ids;
  if (ids.dim() != 2) fail<ShapeError>(model, ": input_ids ", ids.shape(), " must be [batch, n]");
  if (ids.size(1) > max_position_embeddings)
    fail<ShapeError>(model, ": input_ids ", ids.shape(), " are longer than max_position_embeddings ",
                     max_position_embeddings);
  const auto same = [&](const char* name, const Tensor<std::int64_t>& x) {
    if (x.defined() && x.shape() != ids.shape())
      fail<ShapeError>(model, ": ", name, " ", x.shape(), " must be ", ids.shape(), " as input_ids");
  };
  same("attention_mask", in.attention_mask), same("token_type_ids", in.token_type_ids);
  same("position_ids", in.position_ids);
}

/// What an encoder makes of the texts, embedded [batch, n, d], whose padding attention passes over.
template <Real T, class Encoder>
Tensor<T> encode_texts(const Encoder& encoder, const Tensor<T>& embedded, const BertInput& in) {
  if (!in.attention_mask.defined()) return encoder(embedded);
  if (!in.skip_padding) return encoder(embedded, {.src_key_padding_mask = in.attention_mask == 0});
  const PackedTexts texts(in.attention_mask);
  return texts.unpack(encoder(texts.pack(embedded), {.lengths = texts.lengths()}));
}

/// dropout(LayerNorm(word + type + position)).
/// Keys: word_embeddings., position_embeddings., token_type_embeddings., LayerNorm.
template <Real T>
struct BertEmbeddings final : nn::Module<T> {
  nn::Embedding<T> word_embeddings, position_embeddings, token_type_embeddings;
  nn::LayerNorm<T> LayerNorm;
  nn::Dropout<T> dropout;

  explicit BertEmbeddings(const BertConfig& c)
      : word_embeddings(c.vocab_size, c.hidden_size, {.padding_idx = c.pad_token_id}),
        position_embeddings(c.max_position_embeddings, c.hidden_size),
        token_type_embeddings(c.type_vocab_size, c.hidden_size),
        LayerNorm(c.hidden_size, {.eps = c.layer_norm_eps}),
        dropout(c.hidden_dropout_prob) {}
  Tensor<T> operator()(const BertInput& in) const {
    const Index n = in.input_ids.size(1);
    Tensor<T> x = word_embeddings(in.input_ids);
    x = x + (in.token_type_ids.defined() ? token_type_embeddings(in.token_type_ids)
                                         : token_type_embeddings.weight.select(0, 0));
    x = x +
        (in.position_ids.defined() ? position_embeddings(in.position_ids) : position_embeddings.weight.narrow(0, 0, n));
    return this->output(dropout(LayerNorm(x)));
  }
  void visit(nn::Visitor<T>& v) override {
    v("word_embeddings", word_embeddings), v("position_embeddings", position_embeddings);
    v("token_type_embeddings", token_type_embeddings), v("LayerNorm", LayerNorm), v("dropout", dropout);
  }
};

/// The layers, each PyTorch's with the norm behind the sum.
/// Keys: layer.
template <Real T>
struct BertEncoder final : nn::Module<T> {
  std::vector<nn::TransformerEncoderLayer<T>> layer;

  explicit BertEncoder(const BertConfig& c)
      : layer(nn::repeated(c.num_hidden_layers, [&] {
          nn::TransformerEncoderLayer<T> l(c.hidden_size, c.num_attention_heads,
                                           {.dim_feedforward = c.intermediate_size,
                                            .dropout = c.hidden_dropout_prob,
                                            .activation = activation<T>(c.hidden_act),
                                            .layer_norm_eps = c.layer_norm_eps,
                                            .batch_first = true});
          l.self_attn.dropout = c.attention_probs_dropout_prob;
          l.dropout.p = 0;  // between the linear layers there is none
          return l;
        })) {}
  Tensor<T> operator()(Tensor<T> x, const nn::TransformerEncoderLayerMasks<T>& masks = {}) const {
    for (const auto& l : layer) x = l(x, masks);
    return this->output(x);
  }
  void visit(nn::Visitor<T>& v) override { v("layer", layer); }
};

/// tanh(W x + b) of the first token, which stands for the text.
/// Keys: dense.
template <Real T>
struct BertPooler final : nn::Module<T> {
  nn::Linear<T> dense;

  explicit BertPooler(const BertConfig& c) : dense(c.hidden_size, c.hidden_size) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(gloss::tanh(dense(x.select(1, 0)))); }
  void visit(nn::Visitor<T>& v) override { v("dense", dense); }
};

/// last_hidden_state [batch, n, hidden_size], pooler_output [batch, hidden_size].
template <Real T>
struct BertOutput {
  Tensor<T> last_hidden_state, pooler_output;
};

/// Rules for a norm that theirs calls `theirs` and ours `ours`, whose weight and bias old files call gamma and beta.
inline void add_norm_rules(io::KeyMap& map, const std::string& theirs, const std::string& ours) {
  for (const auto& [name, our_name] :
       {std::pair{"weight", "weight"}, {"bias", "bias"}, {"gamma", "weight"}, {"beta", "bias"}})
    map.rules.push_back({{theirs + name}, {ours + our_name}});
}

/// The names of Hugging Face's files for a BERT that ours calls `ours`: "" or "bert.".
inline io::KeyMap bert_keys(const std::string& ours) {
  const std::string layer = "bert.encoder.layer.*.", own = ours + "encoder.layer.*.";
  io::KeyMap map;
  map.optional_prefix = "bert.";
  add_norm_rules(map, "bert.embeddings.LayerNorm.", ours + "embeddings.LayerNorm.");
  add_norm_rules(map, layer + "attention.output.LayerNorm.", own + "norm1.");
  add_norm_rules(map, layer + "output.LayerNorm.", own + "norm2.");
  const std::string self = layer + "attention.self.";
  map.rules.insert(map.rules.end(),
                   {{{"bert.embeddings.position_ids"}, {}},
                    {{self + "query.*", self + "key.*", self + "value.*"}, {own + "self_attn.in_proj_*"}},
                    {{layer + "attention.output.dense.*"}, {own + "self_attn.out_proj.*"}},
                    {{layer + "intermediate.dense.*"}, {own + "linear1.*"}},
                    {{layer + "output.dense.*"}, {own + "linear2.*"}},
                    {{"bert.embeddings.**"}, {ours + "embeddings.**"}},
                    {{"bert.pooler.**"}, {ours + "pooler.**"}}});
  return map;
}

/// The encoder of a text, or of two: embeddings, layers, and what stands for the whole.
/// Shape: ids [batch, n] -> last_hidden_state [batch, n, hidden_size], pooler_output [batch, hidden_size]
/// Errors: ShapeError for ids that are not [batch, n] or longer than max_position_embeddings, and for a mask, types or
/// positions of another shape; IndexError for an id outside the vocabulary.
/// Source: Devlin et al. 2018.
/// transformers: BertModel; with_pooler is its add_pooling_layer
/// Keys: embeddings., encoder., pooler.; theirs: keys()
template <Real T>
struct BertModel final : nn::Module<T> {
  using Config = BertConfig;
  static constexpr std::string_view architecture = "BertModel", base_model_prefix = "bert";
  BertConfig config;
  BertEmbeddings<T> embeddings;
  BertEncoder<T> encoder;
  std::optional<BertPooler<T>> pooler;

  explicit BertModel(const BertConfig& c, bool with_pooler = true) : config((c.check(), c)), embeddings(c), encoder(c) {
    if (with_pooler) pooler.emplace(c);
    init_normal_(*this, c.initializer_range);
    nn::init::zeros_(embeddings.word_embeddings.weight.select(0, c.pad_token_id));
  }
  BertOutput<T> operator()(const BertInput& in) const {
    check_bert_input("BertModel", in, config.max_position_embeddings);
    const Tensor<T> x = this->output(encode_texts(encoder, embeddings(in), in));
    return {x, pooler ? (*pooler)(x) : Tensor<T>{}};
  }
  void visit(nn::Visitor<T>& v) override {
    v("embeddings", embeddings), v("encoder", encoder);
    if (pooler) v("pooler", *pooler);
  }
  static io::KeyMap keys() { return bert_keys(""); }
  static io::KeyMap head_keys() {
    return bert_keys("bert.");
  }  // of a model with a head, which calls it base_model_prefix
};

}  // namespace gloss::inline GLOSS_ABI::models
