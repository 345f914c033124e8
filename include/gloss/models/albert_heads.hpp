// What ALBERT's encoder was trained with and is fine-tuned with: masked words, the order of texts, classes, answers,
// choices.
#pragma once

#include <string_view>

#include <gloss/models/albert.hpp>
#include <gloss/models/bert_heads.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// The names of an ALBERT with BertPredictions as `predictions`.
inline io::KeyMap albert_predictions_keys() {
  io::KeyMap map = albert_keys("albert.");
  map.rules.insert(map.rules.end(), {{{"predictions.dense.*"}, {"predictions.transform.dense.*"}},
                                     {{"predictions.LayerNorm.*"}, {"predictions.transform.LayerNorm.*"}},
                                     {{"predictions.bias"}, {"predictions.decoder.bias"}},
                                     {{"predictions.decoder.bias"}, {}}});
  return map;
}

/// ALBERT that says which words were masked.
/// Shape: ids [batch, n] -> [batch, n, vocab_size]
/// transformers: AlbertForMaskedLM
/// Keys: albert., predictions.; theirs: keys()
template <Real T>
struct AlbertForMaskedLM final : nn::Module<T> {
  using Config = AlbertConfig;
  static constexpr std::string_view architecture = "AlbertForMaskedLM";
  AlbertConfig config;
  AlbertModel<T> base_model;
  BertPredictions<T> predictions;

  explicit AlbertForMaskedLM(const AlbertConfig& c)
      : config(c), base_model(c, false), predictions(c.bert(c.hidden_size), base_model.embeddings.word_embeddings) {}
  Tensor<T> operator()(const BertInput& in) const {
    return this->output(predictions(base_model(in).last_hidden_state));
  }
  /// labels [batch, n], -100 where nothing was masked.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return token_loss((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("albert", base_model), v("predictions", predictions); }
  static io::KeyMap keys() { return albert_predictions_keys(); }
};

/// Which of two orders two texts are in, or another of num_labels classes: a linear layer behind a dropout.
/// transformers: AlbertSOPHead
template <Real T>
struct AlbertOrderHead final : nn::Module<T> {
  nn::Dropout<T> dropout;
  nn::Linear<T> classifier;

  explicit AlbertOrderHead(const AlbertConfig& c)
      : dropout(c.classifier_dropout_prob), classifier(c.hidden_size, c.num_labels) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(classifier(dropout(x))); }
  void visit(nn::Visitor<T>& v) override { v("dropout", dropout), v("classifier", classifier); }
};

/// ALBERT with what it was trained on: masked words, and whether two texts were swapped.
/// transformers: AlbertForPreTraining
template <Real T>
struct AlbertForPreTraining final : nn::Module<T> {
  using Config = AlbertConfig;
  static constexpr std::string_view architecture = "AlbertForPreTraining";
  struct Output {
    Tensor<T> prediction_logits, sop_logits;  // [batch, n, vocab_size], [batch, num_labels]
  };
  AlbertConfig config;
  AlbertModel<T> base_model;
  BertPredictions<T> predictions;
  AlbertOrderHead<T> sop_classifier;

  explicit AlbertForPreTraining(const AlbertConfig& c)
      : config(c),
        base_model(c),
        predictions(c.bert(c.hidden_size), base_model.embeddings.word_embeddings),
        sop_classifier(c) {}
  Output operator()(const BertInput& in) const {
    const BertOutput<T> x = base_model(in);
    return {predictions(x.last_hidden_state), sop_classifier(x.pooler_output)};
  }
  /// The sum of both losses; sentence_order_label [batch], 0: in their order, 1: swapped.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels,
                 const Tensor<std::int64_t>& sentence_order_label) const {
    const Output y = (*this)(in);
    return token_loss(y.prediction_logits, labels) + cross_entropy(y.sop_logits, sentence_order_label);
  }
  void visit(nn::Visitor<T>& v) override {
    v("albert", base_model), v("predictions", predictions), v("sop_classifier", sop_classifier);
  }
  static io::KeyMap keys() { return albert_predictions_keys(); }
};

/// transformers: AlbertForSequenceClassification
template <Real T>
struct AlbertForSequenceClassification final : SequenceClassification<AlbertModel<T>> {
  using SequenceClassification<AlbertModel<T>>::SequenceClassification;
  static constexpr std::string_view architecture = "AlbertForSequenceClassification";
};

/// transformers: AlbertForTokenClassification
template <Real T>
struct AlbertForTokenClassification final : TokenClassification<AlbertModel<T>> {
  using TokenClassification<AlbertModel<T>>::TokenClassification;
  static constexpr std::string_view architecture = "AlbertForTokenClassification";
};

/// transformers: AlbertForQuestionAnswering
template <Real T>
struct AlbertForQuestionAnswering final : QuestionAnswering<AlbertModel<T>> {
  using QuestionAnswering<AlbertModel<T>>::QuestionAnswering;
  static constexpr std::string_view architecture = "AlbertForQuestionAnswering";
};

/// transformers: AlbertForMultipleChoice
template <Real T>
struct AlbertForMultipleChoice final : MultipleChoice<AlbertModel<T>> {
  using MultipleChoice<AlbertModel<T>>::MultipleChoice;
  static constexpr std::string_view architecture = "AlbertForMultipleChoice";
};

}  // namespace gloss::inline GLOSS_ABI::models
