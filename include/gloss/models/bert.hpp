// BERT: the encoder and its heads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/loss.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/transformer_encoder_layer.hpp>
#include <gloss/ops/binary_cross_entropy.hpp>
#include <gloss/ops/clamp.hpp>
#include <gloss/ops/mse_loss.hpp>

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
};

/// What every BERT takes. Only the ids have to be there.
/// Shape: each [batch, n]
struct BertInput {
  Tensor<std::int64_t> input_ids;
  Tensor<std::int64_t> attention_mask = {};  // 1: a token, 0: padding; all tokens where it is left out
  Tensor<std::int64_t> token_type_ids = {};  // which of two texts; 0 where it is left out
  Tensor<std::int64_t> position_ids = {};    // 0 .. n - 1 where it is left out
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
  Tensor<T> operator()(Tensor<T> x, const nn::AttentionMask<T>& hidden = {}) const {
    for (const auto& l : layer) x = l(x, {.src_key_padding_mask = hidden});
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

/// The names of Hugging Face's files for a BERT that ours calls `ours`: "" or "bert.".
inline io::KeyMap bert_keys(const std::string& ours) {
  const std::string layer = "bert.encoder.layer.*.", own = ours + "encoder.layer.*.";
  io::KeyMap map;
  map.optional_prefix = "bert.";
  const auto norm = [&](const std::string& theirs, const std::string& its_own) {  // with the names of old files
    for (const auto& [name, our_name] :
         {std::pair{"weight", "weight"}, {"bias", "bias"}, {"gamma", "weight"}, {"beta", "bias"}})
      map.rules.push_back({{theirs + "LayerNorm." + name}, {its_own + our_name}});
  };
  norm("bert.embeddings.", ours + "embeddings.LayerNorm.");
  norm(layer + "attention.output.", own + "norm1.");
  norm(layer + "output.", own + "norm2.");
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
  static constexpr std::string_view architecture = "BertModel";
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
    nn::AttentionMask<T> hidden;
    if (in.attention_mask.defined()) hidden = in.attention_mask == 0;
    BertOutput<T> out;
    out.last_hidden_state = this->output(encoder(embeddings(in), hidden));
    if (pooler) out.pooler_output = (*pooler)(out.last_hidden_state);
    return out;
  }
  void visit(nn::Visitor<T>& v) override {
    v("embeddings", embeddings), v("encoder", encoder);
    if (pooler) v("pooler", *pooler);
  }
  static io::KeyMap keys() { return bert_keys(""); }
};

/// Scores of all words at each place: decoder(LayerNorm(act(dense(x)))), where the decoder's matrix is the table of
/// words.
/// Keys: transform.dense., transform.LayerNorm., decoder.; theirs has decoder.bias as bias
template <Real T>
struct BertPredictions final : nn::Module<T> {
  nn::Linear<T> dense;
  nn::FeedForwardActivation<T> act;
  nn::LayerNorm<T> LayerNorm;
  nn::Linear<T> decoder;

  explicit BertPredictions(const BertConfig& c)
      : dense(c.hidden_size, c.hidden_size),
        act(activation<T>(c.hidden_act)),
        LayerNorm(c.hidden_size, {.eps = c.layer_norm_eps}),
        decoder(c.hidden_size, c.vocab_size) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(decoder(LayerNorm(act.after(dense, x, 0, false))));
  }
  void visit(nn::Visitor<T>& v) override {
    v("transform.dense", dense), v("transform.LayerNorm", LayerNorm), v("decoder", decoder);
  }
  /// The rules of a BERT with this head under `cls.predictions.`.
  static io::KeyMap keys() {
    io::KeyMap map = bert_keys("bert.");
    const std::string norm = "cls.predictions.transform.LayerNorm.", decoder = "cls.predictions.decoder.bias";
    map.rules.insert(map.rules.end(), {{{norm + "weight"}, {norm + "weight"}},
                                       {{norm + "bias"}, {norm + "bias"}},
                                       {{norm + "gamma"}, {norm + "weight"}},
                                       {{norm + "beta"}, {norm + "bias"}},
                                       {{"cls.predictions.bias"}, {decoder}},
                                       {{decoder}, {}}});
    return map;
  }
};

/// BERT that says which words were masked.
/// Shape: ids [batch, n] -> [batch, n, vocab_size]
/// transformers: BertForMaskedLM
template <Real T>
struct BertForMaskedLM final : nn::Module<T> {
  using Config = BertConfig;
  static constexpr std::string_view architecture = "BertForMaskedLM";
  BertConfig config;
  BertModel<T> bert;
  BertPredictions<T> predictions;

  explicit BertForMaskedLM(const BertConfig& c) : config(c), bert(c, false), predictions(c) {
    init_normal_(predictions, c.initializer_range);
    predictions.decoder.weight.tie(bert.embeddings.word_embeddings.weight);
  }
  Tensor<T> operator()(const BertInput& in) const { return this->output(predictions(bert(in).last_hidden_state)); }
  /// labels [batch, n], -100 where nothing was masked.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return token_loss((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("bert", bert), v("cls.predictions", predictions); }
  static io::KeyMap keys() { return BertPredictions<T>::keys(); }
};

/// BERT with what it was trained on: masked words, and whether the second text follows the first.
/// transformers: BertForPreTraining
template <Real T>
struct BertForPreTraining final : nn::Module<T> {
  using Config = BertConfig;
  static constexpr std::string_view architecture = "BertForPreTraining";
  struct Output {
    Tensor<T> prediction_logits, seq_relationship_logits;  // [batch, n, vocab_size], [batch, 2]
  };
  BertConfig config;
  BertModel<T> bert;
  BertPredictions<T> predictions;
  nn::Linear<T> seq_relationship;

  explicit BertForPreTraining(const BertConfig& c)
      : config(c), bert(c), predictions(c), seq_relationship(c.hidden_size, 2) {
    init_normal_(predictions, c.initializer_range), init_normal_(seq_relationship, c.initializer_range);
    predictions.decoder.weight.tie(bert.embeddings.word_embeddings.weight);
  }
  Output operator()(const BertInput& in) const {
    const BertOutput<T> x = bert(in);
    return {predictions(x.last_hidden_state), seq_relationship(x.pooler_output)};
  }
  /// The sum of both losses; next_sentence_label [batch], 0: it follows.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels,
                 const Tensor<std::int64_t>& next_sentence_label) const {
    const Output y = (*this)(in);
    return token_loss(y.prediction_logits, labels) + cross_entropy(y.seq_relationship_logits, next_sentence_label);
  }
  void visit(nn::Visitor<T>& v) override {
    v("bert", bert), v("cls.predictions", predictions), v("cls.seq_relationship", seq_relationship);
  }
  static io::KeyMap keys() { return BertPredictions<T>::keys(); }
};

/// Whether the second text follows the first: class 0 if it does.
/// Shape: ids [batch, n] -> [batch, 2]
/// transformers: BertForNextSentencePrediction
template <Real T>
struct BertForNextSentencePrediction final : nn::Module<T> {
  using Config = BertConfig;
  static constexpr std::string_view architecture = "BertForNextSentencePrediction";
  BertConfig config;
  BertModel<T> bert;
  nn::Linear<T> seq_relationship;

  explicit BertForNextSentencePrediction(const BertConfig& c) : config(c), bert(c), seq_relationship(c.hidden_size, 2) {
    init_normal_(seq_relationship, c.initializer_range);
  }
  Tensor<T> operator()(const BertInput& in) const { return this->output(seq_relationship(bert(in).pooler_output)); }
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("bert", bert), v("cls.seq_relationship", seq_relationship); }
  static io::KeyMap keys() { return bert_keys("bert."); }
};

/// One of num_labels classes for a text, or, with num_labels = 1, a number.
/// Shape: ids [batch, n] -> [batch, num_labels]
/// transformers: BertForSequenceClassification
template <Real T>
struct BertForSequenceClassification final : nn::Module<T> {
  using Config = BertConfig;
  static constexpr std::string_view architecture = "BertForSequenceClassification";
  BertConfig config;
  BertModel<T> bert;
  nn::Dropout<T> dropout;
  nn::Linear<T> classifier;

  explicit BertForSequenceClassification(const BertConfig& c)
      : config(c),
        bert(c),
        dropout(c.classifier_dropout.value_or(c.hidden_dropout_prob)),
        classifier(c.hidden_size, c.num_labels) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const BertInput& in) const { return this->output(classifier(dropout(bert(in).pooler_output))); }
  /// labels [batch]: classes.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(in), labels);
  }
  /// labels [batch] where num_labels is 1: numbers, by squares; else [batch, num_labels]: how true each label is, by
  /// binary cross-entropy.
  Tensor<T> loss(const BertInput& in, const Tensor<T>& labels) const {
    const Tensor<T> logits = (*this)(in);
    return config.num_labels == 1 ? mse_loss(logits.flatten(), labels.flatten())
                                  : binary_cross_entropy_with_logits(logits, labels);
  }
  void visit(nn::Visitor<T>& v) override { v("bert", bert), v("dropout", dropout), v("classifier", classifier); }
  static io::KeyMap keys() { return bert_keys("bert."); }
};

/// One of num_labels classes for each token.
/// Shape: ids [batch, n] -> [batch, n, num_labels]
/// transformers: BertForTokenClassification
template <Real T>
struct BertForTokenClassification final : nn::Module<T> {
  using Config = BertConfig;
  static constexpr std::string_view architecture = "BertForTokenClassification";
  BertConfig config;
  BertModel<T> bert;
  nn::Dropout<T> dropout;
  nn::Linear<T> classifier;

  explicit BertForTokenClassification(const BertConfig& c)
      : config(c),
        bert(c, false),
        dropout(c.classifier_dropout.value_or(c.hidden_dropout_prob)),
        classifier(c.hidden_size, c.num_labels) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const BertInput& in) const {
    return this->output(classifier(dropout(bert(in).last_hidden_state)));
  }
  /// labels [batch, n], -100 where none is wanted.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return token_loss((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("bert", bert), v("dropout", dropout), v("classifier", classifier); }
  static io::KeyMap keys() { return bert_keys("bert."); }
};

/// Where in a text the answer to a question begins and ends.
/// Shape: ids [batch, n] -> start_logits, end_logits [batch, n]
/// transformers: BertForQuestionAnswering
template <Real T>
struct BertForQuestionAnswering final : nn::Module<T> {
  using Config = BertConfig;
  static constexpr std::string_view architecture = "BertForQuestionAnswering";
  struct Output {
    Tensor<T> start_logits, end_logits;
  };
  BertConfig config;
  BertModel<T> bert;
  nn::Linear<T> qa_outputs;

  explicit BertForQuestionAnswering(const BertConfig& c) : config(c), bert(c, false), qa_outputs(c.hidden_size, 2) {
    init_normal_(qa_outputs, c.initializer_range);
  }
  Output operator()(const BertInput& in) const {
    const Tensor<T> logits = qa_outputs(bert(in).last_hidden_state);
    return {logits.select(-1, 0), logits.select(-1, 1)};
  }
  /// The mean of the losses of both ends; start and end [batch], a place behind the text counts nothing.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& start, const Tensor<std::int64_t>& end) const {
    const Output y = (*this)(in);
    const Index n = in.input_ids.size(1);
    const auto of = [n](const Tensor<T>& logits, const Tensor<std::int64_t>& place) {
      return cross_entropy(logits, clamp(place, 0, n), {.ignore_index = n});
    };
    return (of(y.start_logits, start) + of(y.end_logits, end)) * 0.5;
  }
  void visit(nn::Visitor<T>& v) override { v("bert", bert), v("qa_outputs", qa_outputs); }
  static io::KeyMap keys() { return bert_keys("bert."); }
};

}  // namespace gloss::inline GLOSS_ABI::models
