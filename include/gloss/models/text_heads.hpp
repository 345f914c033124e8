// What encoders of texts are fine-tuned with: classes of texts and of tokens, answers, choices. Base is BertModel<T>,
// AlbertModel<T> or another with their input, output and names. BertForSequenceClassification and the like derive from
// these, and say what transformers calls them.
#pragma once

#include <string>

#include <gloss/models/bert.hpp>
#include <gloss/models/loss.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/ops/binary_cross_entropy.hpp>
#include <gloss/ops/clamp.hpp>
#include <gloss/ops/mse_loss.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// One of num_labels classes for a text, or, with num_labels = 1, a number.
/// Shape: ids [batch, n] -> [batch, num_labels]
template <class Base>
struct SequenceClassification : nn::Module<typename Base::value_type> {
  using T = typename Base::value_type;
  using Config = typename Base::Config;
  Config config;
  Base base_model;
  nn::Dropout<T> dropout;
  nn::Linear<T> classifier;

  explicit SequenceClassification(const Config& c)
      : config(c), base_model(c), dropout(c.head_dropout()), classifier(c.hidden_size, c.num_labels) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const BertInput& in) const {
    return this->output(classifier(dropout(base_model(in).pooler_output)));
  }
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
  void visit(nn::Visitor<T>& v) override {
    v(Base::base_model_prefix, base_model), v("dropout", dropout), v("classifier", classifier);
  }
  static io::KeyMap keys() { return Base::head_keys(); }
};

/// One of num_labels classes for each token.
/// Shape: ids [batch, n] -> [batch, n, num_labels]
template <class Base>
struct TokenClassification : nn::Module<typename Base::value_type> {
  using T = typename Base::value_type;
  using Config = typename Base::Config;
  Config config;
  Base base_model;
  nn::Dropout<T> dropout;
  nn::Linear<T> classifier;

  explicit TokenClassification(const Config& c)
      : config(c), base_model(c, false), dropout(c.head_dropout()), classifier(c.hidden_size, c.num_labels) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const BertInput& in) const {
    return this->output(classifier(dropout(base_model(in).last_hidden_state)));
  }
  /// labels [batch, n], -100 where none is wanted.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return token_loss((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override {
    v(Base::base_model_prefix, base_model), v("dropout", dropout), v("classifier", classifier);
  }
  static io::KeyMap keys() { return Base::head_keys(); }
};

/// Where in a text the answer to a question begins and ends.
/// Shape: ids [batch, n] -> start_logits, end_logits [batch, n]
template <class Base>
struct QuestionAnswering : nn::Module<typename Base::value_type> {
  using T = typename Base::value_type;
  using Config = typename Base::Config;
  struct Output {
    Tensor<T> start_logits, end_logits;
  };
  Config config;
  Base base_model;
  nn::Linear<T> qa_outputs;

  explicit QuestionAnswering(const Config& c) : config(c), base_model(c, false), qa_outputs(c.hidden_size, 2) {
    init_normal_(qa_outputs, c.initializer_range);
  }
  Output operator()(const BertInput& in) const {
    const Tensor<T> logits = qa_outputs(base_model(in).last_hidden_state);
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
  void visit(nn::Visitor<T>& v) override { v(Base::base_model_prefix, base_model), v("qa_outputs", qa_outputs); }
  static io::KeyMap keys() { return Base::head_keys(); }
};

/// Which of several texts is the right one, say of a question with each of its answers.
/// Shape: each tensor of the input [batch, choices, n] -> [batch, choices]
/// Errors: ShapeError for other axes; as Base.
template <class Base>
struct MultipleChoice : nn::Module<typename Base::value_type> {
  using T = typename Base::value_type;
  using Config = typename Base::Config;
  Config config;
  Base base_model;
  nn::Dropout<T> dropout;
  nn::Linear<T> classifier;

  explicit MultipleChoice(const Config& c)
      : config(c), base_model(c), dropout(c.head_dropout()), classifier(c.hidden_size, 1) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const BertInput& in) const {
    const Shape& shape = in.input_ids.shape();
    if (shape.rank() != 3) fail<ShapeError>("MultipleChoice: input_ids ", shape, " must be [batch, choices, n]");
    const auto rows = [&](const char* name, const Tensor<std::int64_t>& x) {
      if (!x.defined()) return x;
      if (x.shape() != shape)
        fail<ShapeError>("MultipleChoice: ", name, " ", x.shape(), " must be ", shape, " as input_ids");
      return x.flatten(0, 1);
    };
    const BertInput texts{in.input_ids.flatten(0, 1), rows("attention_mask", in.attention_mask),
                          rows("token_type_ids", in.token_type_ids), rows("position_ids", in.position_ids),
                          in.skip_padding};
    const Tensor<T> scores = classifier(dropout(base_model(texts).pooler_output));
    return this->output(scores.reshape({shape[0], shape[1]}));
  }
  /// labels [batch]: the right choices.
  Tensor<T> loss(const BertInput& in, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(in), labels);
  }
  void visit(nn::Visitor<T>& v) override {
    v(Base::base_model_prefix, base_model), v("dropout", dropout), v("classifier", classifier);
  }
  static io::KeyMap keys() { return Base::head_keys(); }
};

}  // namespace gloss::inline GLOSS_ABI::models
