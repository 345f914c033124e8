// What BERT's encoder was trained with and is fine-tuned with: masked words, following sentences, classes, answers.
#pragma once

#include <string>
#include <string_view>

#include <gloss/models/bert.hpp>
#include <gloss/models/loss.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/ops/binary_cross_entropy.hpp>
#include <gloss/ops/clamp.hpp>
#include <gloss/ops/mse_loss.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// Scores of all words at each place: decoder(LayerNorm(act(dense(x)))), where the decoder's matrix is the table of
/// words, whose width dense goes to.
/// Keys: transform.dense., transform.LayerNorm., decoder.; theirs has decoder.bias as bias
template <Real T>
struct BertPredictions final : nn::Module<T> {
  nn::Linear<T> dense;
  nn::FeedForwardActivation<T> act;
  nn::LayerNorm<T> LayerNorm;
  nn::Linear<T> decoder;

  BertPredictions(const BertConfig& c, const nn::Embedding<T>& words)
      : dense(c.hidden_size, words.weight.size(1)),
        act(activation<T>(c.hidden_act)),
        LayerNorm(words.weight.size(1), {.eps = c.layer_norm_eps}),
        decoder(words.weight.size(1), c.vocab_size) {
    init_normal_(*this, c.initializer_range);
    decoder.weight.tie(words.weight);
  }
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
    add_norm_rules(map, norm, norm);
    map.rules.push_back({{"cls.predictions.bias"}, {decoder}});
    map.rules.push_back({{decoder}, {}});
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

  explicit BertForMaskedLM(const BertConfig& c)
      : config(c), bert(c, false), predictions(c, bert.embeddings.word_embeddings) {}
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
      : config(c), bert(c), predictions(c, bert.embeddings.word_embeddings), seq_relationship(c.hidden_size, 2) {
    init_normal_(seq_relationship, c.initializer_range);
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
