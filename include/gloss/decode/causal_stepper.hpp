// A Stepper from a model that continues a text.
#pragma once

#include <gloss/decode/stepper.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// Decodes with a causal model, each token of which sees those before it. The model has a type Cache, as
/// nn::TransformerEncoder, and two functions:
///   decode(ids [rows, n], Cache*) -> [rows, n, d_model], for the n tokens behind those in the cache
///   generator(x [rows, d_model]) -> scores of the next token, [rows, vocab]
/// The first step, and the first after truncate(0), says how many rows there are. The model must be in evaluation mode
/// and outlive this.
template <class Model>
class CausalStepper final : public detail::CachedStepper<Model> {
 public:
  using T = typename Model::value_type;

  explicit CausalStepper(const Model& model) : detail::CachedStepper<Model>(model, 0) {}

  /// Errors: ShapeError for another number of rows than before; those of the model.
  Tensor<T> step(const Tensor<std::int64_t>& tokens) override {
    NoGradGuard no_grad;
    if (this->length() == 0 && tokens.dim() == 2 && tokens.size(0) != this->rows_) {
      this->cache_ = {};
      this->rows_ = tokens.size(0);
    }
    this->check(tokens);
    return this->model_->generator(this->model_->decode(tokens, &this->cache_).select(1, -1));
  }
};

}  // namespace gloss::inline GLOSS_ABI::decode
