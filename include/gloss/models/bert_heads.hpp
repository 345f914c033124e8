// What BERT's encoder was trained with and is fine-tuned with: masked words, following sentences, classes, answers,
// choices.
#pragma once

#include <string>
#include <string_view>

#include <gloss/models/bert.hpp>
#include <gloss/models/text_heads.hpp>

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
  BertModel<T> base_model;
  BertPredictions<T> predictions;

  explicit BertForMaskedLM(const BertConfig& c)
      : config(c), base_model(c, false), predictions(c, base_model.embeddings.word_embeddings) {}
  Tensor<T> operator()(const BertInput& in) const {
    return this->output(predictions(base_model(in).last_hidden_state));
  }
  /// labels [batch, n], -100 where nothing was masked.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return token_loss((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("bert", base_model), v("cls.predictions", predictions); }
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
  BertModel<T> base_model;
  BertPredictions<T> predictions;
  nn::Linear<T> seq_relationship;

  explicit BertForPreTraining(const BertConfig& c)
      : config(c),
        base_model(c),
        predictions(c, base_model.embeddings.word_embeddings),
        seq_relationship(c.hidden_size, 2) {
    init_normal_(seq_relationship, c.initializer_range);
  }
  Output operator()(const BertInput& in) const {
    const BertOutput<T> x = base_model(in);
    return {predictions(x.last_hidden_state), seq_relationship(x.pooler_output)};
  }
  /// The sum of both losses; next_sentence_label [batch], 0: it follows.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels,
                 const Tensor<std::int64_t>& next_sentence_label) const {
    const Output y = (*this)(in);
    return token_loss(y.prediction_logits, labels) + cross_entropy(y.seq_relationship_logits, next_sentence_label);
  }
  void visit(nn::Visitor<T>& v) override {
    v("bert", base_model), v("cls.predictions", predictions), v("cls.seq_relationship", seq_relationship);
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
  BertModel<T> base_model;
  nn::Linear<T> seq_relationship;

  explicit BertForNextSentencePrediction(const BertConfig& c)
      : config(c), base_model(c), seq_relationship(c.hidden_size, 2) {
    init_normal_(seq_relationship, c.initializer_range);
  }
  Tensor<T> operator()(const BertInput& in) const {
    return this->output(seq_relationship(base_model(in).pooler_output));
  }
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("bert", base_model), v("cls.seq_relationship", seq_relationship); }
  static io::KeyMap keys() { return bert_keys("bert."); }
};

/// transformers: BertForSequenceClassification
template <Real T>
struct BertForSequenceClassification final : SequenceClassification<BertModel<T>> {
  using SequenceClassification<BertModel<T>>::SequenceClassification;
  static constexpr std::string_view architecture = "BertForSequenceClassification";
};

/// transformers: BertForTokenClassification
template <Real T>
struct BertForTokenClassification final : TokenClassification<BertModel<T>> {
  using TokenClassification<BertModel<T>>::TokenClassification;
  static constexpr std::string_view architecture = "BertForTokenClassification";
};

/// transformers: BertForQuestionAnswering
template <Real T>
struct BertForQuestionAnswering final : QuestionAnswering<BertModel<T>> {
  using QuestionAnswering<BertModel<T>>::QuestionAnswering;
  static constexpr std::string_view architecture = "BertForQuestionAnswering";
};

/// transformers: BertForMultipleChoice
template <Real T>
struct BertForMultipleChoice final : MultipleChoice<BertModel<T>> {
  using MultipleChoice<BertModel<T>>::MultipleChoice;
  static constexpr std::string_view architecture = "BertForMultipleChoice";
};

}  // namespace gloss::inline GLOSS_ABI::models
