// A Stepper from a model that reads a source and says a target, and the searches from such a model.
#pragma once

#include <utility>
#include <vector>

#include <gloss/decode/beam.hpp>
#include <gloss/decode/sampling.hpp>
#include <gloss/decode/stepper.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// Decodes with an encoder and a decoder. The model has a type Cache, as transformer::EncoderDecoder, and three
/// functions:
///   encode(src [rows, m], src_mask) -> memory
///   decode(memory, src_mask, tgt [rows, n], tgt_mask, Cache*) -> [rows, n, d_model], for the n tokens behind those in
/// the
///   cache; tgt_mask is undefined, and memory, too, after the first call
///   generator(x [rows, d_model]) -> scores of the next token, [rows, vocab]
/// The model must be in evaluation mode and outlive this.
template <class Model>
class EncoderDecoderStepper final : public detail::CachedStepper<Model> {
 public:
  using T = typename Model::value_type;

  /// Encodes the sources.
  /// Shape: src [rows, m], src_mask [rows or 1, 1, m]
  EncoderDecoderStepper(const Model& model, const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask)
      : detail::CachedStepper<Model>(model, src.size(0)), src_mask_(src_mask.contiguous()) {
    NoGradGuard no_grad;
    memory_ = model.encode(src, src_mask).contiguous();
  }

 private:
  /// Errors: ShapeError for another number of rows; those of the model.
  Tensor<T> read(const Tensor<std::int64_t>& tokens) override {
    this->check(tokens);
    Tensor<T> x = this->model_->decode(memory_, src_mask_, tokens, {}, &this->cache_);
    memory_ = {};  // its keys and values are in the cache
    return x;
  }
  void select(const Tensor<std::int64_t>& rows) override {
    this->cache_.select_rows(rows);
    if (memory_.defined()) memory_ = nn::detail::select_rows(memory_, rows);
    if (src_mask_.defined() && src_mask_.size(0) == this->rows_) src_mask_ = nn::detail::select_rows(src_mask_, rows);
  }

  Tensor<T> memory_;
  Tensor<bool> src_mask_;
};

namespace detail {
inline Tensor<std::int64_t> start_of(const Tensor<std::int64_t>& src, std::int64_t start) {
  return full<std::int64_t>({src.size(0), 1}, start);
}
}  // namespace detail

/// greedy_search from options.start for each source.
/// Shape: src [batch, m], src_mask [batch, 1, m] -> batch hypotheses
/// Errors: as greedy_search over a Stepper.
template <class Model>
  requires requires { typename Model::Cache; }
std::vector<Hypothesis> greedy_search(const Model& model, const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask,
                                      const GreedyOptions& options) {
  EncoderDecoderStepper<Model> stepper(model, src, src_mask);
  return greedy_search(stepper, detail::start_of(src, options.start), options);
}

/// beam_search from options.start for each source.
/// Shape: src [batch, m], src_mask [batch, 1, m] -> for each source up to n_best hypotheses, best first
/// Errors: as beam_search over a Stepper.
template <class Model>
  requires requires { typename Model::Cache; }
std::vector<std::vector<Hypothesis>> beam_search(const Model& model, const Tensor<std::int64_t>& src,
                                                 const Tensor<bool>& src_mask, const BeamOptions& options) {
  EncoderDecoderStepper<Model> stepper(model, src, src_mask);
  return beam_search(stepper, detail::start_of(src, options.start), options);
}

/// sample from options.start for each source.
/// Shape: src [batch, m], src_mask [batch, 1, m] -> batch hypotheses
/// Errors: as sample over a Stepper.
template <class Model>
  requires requires { typename Model::Cache; }
std::vector<Hypothesis> sample(const Model& model, const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask,
                               const SampleOptions& options) {
  EncoderDecoderStepper<Model> stepper(model, src, src_mask);
  return sample(stepper, detail::start_of(src, options.start), options);
}

}  // namespace gloss::inline GLOSS_ABI::decode
