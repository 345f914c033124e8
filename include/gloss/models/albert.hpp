// ALBERT, the encoder: a BERT whose layers share their weights, and whose words are narrower than its layers. Its heads
// are in models/albert_heads.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/models/bert.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in albert-xxlarge.
/// transformers: AlbertConfig
struct AlbertConfig {
  static constexpr std::string_view model_type = "albert";
  Index vocab_size = 30000, embedding_size = 128, hidden_size = 4096, num_hidden_layers = 12, num_hidden_groups = 1;
  Index num_attention_heads = 64, intermediate_size = 16384, inner_group_num = 1;
  std::string hidden_act = "gelu_new";
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0, classifier_dropout_prob = 0.1;
  Index max_position_embeddings = 512, type_vocab_size = 2, pad_token_id = 0;
  double initializer_range = 0.02, layer_norm_eps = 1e-12;
  Index num_labels = 2;
  std::string position_embedding_type = "absolute";

  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("embedding_size", embedding_size), field("hidden_size", hidden_size);
    field("num_hidden_layers", num_hidden_layers), field("num_hidden_groups", num_hidden_groups);
    field("num_attention_heads", num_attention_heads), field("intermediate_size", intermediate_size);
    field("inner_group_num", inner_group_num), field("hidden_act", hidden_act);
    field("hidden_dropout_prob", hidden_dropout_prob);
    field("attention_probs_dropout_prob", attention_probs_dropout_prob);
    field("classifier_dropout_prob", classifier_dropout_prob), field("num_labels", num_labels);
    field("max_position_embeddings", max_position_embeddings), field("type_vocab_size", type_vocab_size);
    field("pad_token_id", pad_token_id), field("initializer_range", initializer_range);
    field("layer_norm_eps", layer_norm_eps), field("position_embedding_type", position_embedding_type);
  }
  /// Errors: Error for what these classes are not.
  void check() const {
    if (position_embedding_type != "absolute")
      fail("AlbertConfig: position_embedding_type ", position_embedding_type, ": only absolute is known");
    if (num_hidden_groups < 1 || num_hidden_groups > num_hidden_layers)
      fail("AlbertConfig: num_hidden_groups ", num_hidden_groups, " is not in [1, ", num_hidden_layers, "]");
  }
  double head_dropout() const { return classifier_dropout_prob; }
  /// A BERT of this config's sizes: its layers, and, with the width of the words, its embeddings.
  BertConfig bert(Index width) const {
    return {.vocab_size = vocab_size,
            .hidden_size = width,
            .num_hidden_layers = inner_group_num,
            .num_attention_heads = num_attention_heads,
            .intermediate_size = intermediate_size,
            .hidden_act = hidden_act,
            .hidden_dropout_prob = hidden_dropout_prob,
            .attention_probs_dropout_prob = attention_probs_dropout_prob,
            .max_position_embeddings = max_position_embeddings,
            .type_vocab_size = type_vocab_size,
            .pad_token_id = pad_token_id,
            .initializer_range = initializer_range,
            .layer_norm_eps = layer_norm_eps};
  }
};

/// The names of Hugging Face's files for an ALBERT that ours calls `ours`: "" or "albert.".
inline io::KeyMap albert_keys(const std::string& ours) {
  const std::string layer = "albert.encoder.albert_layer_groups.*.albert_layers.*.";
  const std::string own = ours + "encoder.groups.*.layer.*.", attention = layer + "attention.";
  io::KeyMap map;
  map.optional_prefix = "albert.";
  map.rules = {{{"albert.embeddings.position_ids"}, {}},
               {{attention + "query.*", attention + "key.*", attention + "value.*"}, {own + "self_attn.in_proj_*"}},
               {{attention + "dense.*"}, {own + "self_attn.out_proj.*"}},
               {{attention + "LayerNorm.*"}, {own + "norm1.*"}},
               {{layer + "ffn.*"}, {own + "linear1.*"}},
               {{layer + "ffn_output.*"}, {own + "linear2.*"}},
               {{layer + "full_layer_layer_norm.*"}, {own + "norm2.*"}},
               {{"albert.encoder.embedding_hidden_mapping_in.*"}, {ours + "encoder.embedding_hidden_mapping_in.*"}},
               {{"albert.embeddings.**"}, {ours + "embeddings.**"}},
               {{"albert.pooler.*"}, {ours + "pooler.dense.*"}}};
  return map;
}

/// num_hidden_layers layers from num_hidden_groups groups of weights, each used for as many of them.
/// Keys: embedding_hidden_mapping_in., groups.
template <Real T>
struct AlbertEncoder final : nn::Module<T> {
  Index layers;
  nn::Linear<T> embedding_hidden_mapping_in;
  std::vector<BertEncoder<T>> groups;

  explicit AlbertEncoder(const AlbertConfig& c)
      : layers(c.num_hidden_layers),
        embedding_hidden_mapping_in(c.embedding_size, c.hidden_size),
        groups(nn::repeated(c.num_hidden_groups, [&] { return BertEncoder<T>(c.bert(c.hidden_size)); })) {
    for (auto& group : groups)
      for (auto& layer : group.layer) layer.dropout2.p = 0;  // there is none behind the feed-forward network
  }
  Tensor<T> operator()(const Tensor<T>& words, const nn::TransformerEncoderLayerMasks<T>& masks = {}) const {
    Tensor<T> x = embedding_hidden_mapping_in(words);
    const auto count = static_cast<Index>(groups.size());
    for (Index i = 0; i < layers; ++i) x = groups[static_cast<std::size_t>(i * count / layers)](x, masks);
    return this->output(x);
  }
  void visit(nn::Visitor<T>& v) override {
    v("embedding_hidden_mapping_in", embedding_hidden_mapping_in), v("groups", groups);
  }
};

/// Shape: ids [batch, n] -> last_hidden_state [batch, n, hidden_size], pooler_output [batch, hidden_size]
/// Errors: as BertModel.
/// Source: Lan et al. 2019.
/// transformers: AlbertModel; with_pooler is its add_pooling_layer
/// Keys: embeddings., encoder., pooler.; theirs: keys()
template <Real T>
struct AlbertModel final : nn::Module<T> {
  using Config = AlbertConfig;
  static constexpr std::string_view architecture = "AlbertModel", base_model_prefix = "albert";
  AlbertConfig config;
  BertEmbeddings<T> embeddings;
  AlbertEncoder<T> encoder;
  std::optional<BertPooler<T>> pooler;

  explicit AlbertModel(const AlbertConfig& c, bool with_pooler = true)
      : config((c.check(), c)), embeddings(c.bert(c.embedding_size)), encoder(c) {
    if (with_pooler) pooler.emplace(c.bert(c.hidden_size));
    init_normal_(*this, c.initializer_range);
    nn::init::zeros_(embeddings.word_embeddings.weight.select(0, c.pad_token_id));
  }
  BertOutput<T> operator()(const BertInput& in) const {
    check_bert_input("AlbertModel", in, config.max_position_embeddings);
    const Tensor<T> x = this->output(encode_texts(encoder, embeddings(in), in));
    return {x, pooler ? (*pooler)(x) : Tensor<T>{}};
  }
  void visit(nn::Visitor<T>& v) override {
    v("embeddings", embeddings), v("encoder", encoder);
    if (pooler) v("pooler", *pooler);
  }
  static io::KeyMap keys() { return albert_keys(""); }
  static io::KeyMap head_keys() { return albert_keys("albert."); }  // as BertModel's
};

}  // namespace gloss::inline GLOSS_ABI::models
