// All that a search knows of a model.
#pragma once

#include <gloss/nn/key_value_cache.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// Rows of tokens that one model reads side by side, a few at a time. EncoderDecoderStepper and CausalStepper make one
/// of a model, and a class of your own makes one of anything that scores a next token.
template <Real T>
struct Stepper {
  virtual ~Stepper() = default;
  /// Reads the next n tokens of each row; returns the scores of the token behind them: logits, which are log P up to a
  /// number of each row's own.
  /// Shape: tokens [rows, n] -> [rows, vocab]
  virtual Tensor<T> step(const Tensor<std::int64_t>& tokens) = 0;
  /// The same, with the scores behind each of the n tokens. This one reads them one after the other; where a model can
  /// read them at once, its Stepper does.
  /// Shape: tokens [rows, n] -> [rows, n, vocab]
  virtual Tensor<T> step_each(const Tensor<std::int64_t>& tokens) {
    Tensor<T> all;
    for (Index i = 0; i < tokens.size(1); ++i) {
      const Tensor<T> scores = step(tokens.narrow(1, i, 1));
      if (i == 0) all = empty<T>({scores.size(0), tokens.size(1), scores.size(1)});
      all.select(1, i).copy_(scores);
    }
    return all;
  }
  /// Row i becomes the old row rows[i]; the number of rows may change.
  /// Errors: IndexError for a row that there is not.
  virtual void select_rows(const Tensor<std::int64_t>& rows) = 0;
  /// Forgets all but the first `length` tokens of each row.
  /// Errors: IndexError when there are fewer.
  virtual void truncate(Index length) = 0;
  virtual Index rows() const = 0;
  /// Tokens read so far by each row.
  virtual Index length() const = 0;
};

namespace detail {
/// A Stepper on a model's cache.
template <class Model>
class CachedStepper : public Stepper<typename Model::value_type> {
 public:
  using T = typename Model::value_type;

  /// Errors: ShapeError for another number of rows than before; those of read.
  Tensor<T> step(const Tensor<std::int64_t>& tokens) override {
    NoGradGuard no_grad;
    return model_->generator(read(tokens).select(1, -1));
  }
  /// Errors: as step.
  Tensor<T> step_each(const Tensor<std::int64_t>& tokens) override {
    NoGradGuard no_grad;
    const Tensor<T> x = read(tokens), scores = model_->generator(x.flatten(0, 1));
    return scores.view({x.size(0), x.size(1), scores.size(-1)});
  }
  void select_rows(const Tensor<std::int64_t>& rows) override {
    bool same = rows.numel() == rows_;
    for (Index i = 0; i < rows.numel(); ++i) {
      const std::int64_t row = rows.at({i});
      if (row < 0 || row >= rows_)
        fail<IndexError>("Stepper::select_rows: row ", row, " is out of range for ", rows_, " rows");
      same = same && row == i;
    }
    if (same) return;
    select(rows);
    rows_ = rows.numel();
  }
  void truncate(Index length) override { cache_.truncate(length); }
  Index rows() const override { return rows_; }
  Index length() const override { return cache_.length; }

 protected:
  CachedStepper(const Model& model, Index rows) : model_(&model), rows_(rows) {}
  /// What the decoder makes of the next tokens.
  /// Shape: tokens [rows, n] -> [rows, n, d_model]
  virtual Tensor<T> read(const Tensor<std::int64_t>& tokens) = 0;
  virtual void select(const Tensor<std::int64_t>& rows) { cache_.select_rows(rows); }
  void check(const Tensor<std::int64_t>& tokens) const {
    if (tokens.dim() != 2 || tokens.size(0) != rows_ || tokens.size(1) == 0)
      fail<ShapeError>("Stepper::step: tokens ", tokens.shape(), " are not [", rows_, ", n] with n at least 1");
  }

  const Model* model_;
  typename Model::Cache cache_;
  Index rows_;
};
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::decode
