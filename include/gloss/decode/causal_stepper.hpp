// A Stepper from a model that continues a text.
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/decode/logits.hpp>
#include <gloss/decode/stepper.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// Decodes with a causal model, each token of which sees those before it. The model has a type Cache, as
/// nn::TransformerEncoder, and two functions:
///   decode(ids [rows, n], Cache*) -> [rows, n, d_model], for the n tokens behind those in the cache
///   generator(x [rows, d_model]) -> scores of the next token, [rows, vocab]
/// The first step, and the first after truncate(0), says how many rows there are, and it may have prompts of unequal
/// lengths, see padded_prompt, if the model has
///   decode(ids, Cache*, attention_mask [rows, cached + n]), where 0 is padding and positions count what is none.
/// The model must be in evaluation mode and outlive this.
template <class Model>
class CausalStepper final : public detail::CachedStepper<Model> {
 public:
  using T = typename Model::value_type;

  explicit CausalStepper(const Model& model) : detail::CachedStepper<Model>(model, 0) {}

 private:
  /// Errors: ShapeError for another number of rows than before; Error for padding where the model takes none; those of
  /// the model.
  Tensor<T> read(const Tensor<std::int64_t>& tokens) override {
    const bool first = this->length() == 0 && tokens.dim() == 2;
    if (first && tokens.size(0) != this->rows_) {
      this->cache_ = {};
      this->rows_ = tokens.size(0);
    }
    this->check(tokens);
    if (first) padding_ = padding_of(tokens);
    return padding_.empty() ? this->model_->decode(tokens, &this->cache_) : behind_padding(tokens, first);
  }
  /// How many no_token each row begins with; nothing where none does.
  static std::vector<Index> padding_of(const Tensor<std::int64_t>& tokens) {
    std::vector<Index> padding;
    bool any = false;
    for (Index i = 0; i < tokens.size(0); ++i) {
      Index n = 0;
      while (n < tokens.size(1) && tokens.at({i, n}) == no_token) ++n;
      any = any || n > 0;
      padding.push_back(n);
    }
    return any ? padding : std::vector<Index>();
  }
  Tensor<T> behind_padding(const Tensor<std::int64_t>& tokens, bool first) {
    if constexpr (requires { this->model_->decode(tokens, &this->cache_, tokens); }) {
      const Tensor<std::int64_t> ids = tokens.clone();
      const auto mask = ones<std::int64_t>({this->rows_, this->length() + tokens.size(1)});
      for (Index i = 0; i < this->rows_; ++i) {
        const Index n = (std::min)(padding_[static_cast<std::size_t>(i)], mask.size(1));
        mask.select(0, i).narrow(0, 0, n).zero_();
        if (first) ids.select(0, i).narrow(0, 0, n).zero_();
      }
      return this->model_->decode(ids, &this->cache_, mask);
    } else {
      fail("CausalStepper: the prompts are of unequal lengths, and the model takes no padding");
    }
  }
  void select(const Tensor<std::int64_t>& rows) override {
    detail::CachedStepper<Model>::select(rows);
    if (padding_.empty()) return;
    std::vector<Index> selected;
    for (Index i = 0; i < rows.numel(); ++i) selected.push_back(padding_[static_cast<std::size_t>(rows.at({i}))]);
    padding_ = selected;
  }

  std::vector<Index> padding_;  // of each row
};

}  // namespace gloss::inline GLOSS_ABI::decode
