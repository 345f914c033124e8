// AT's "PositionwiseFeedForward" (paper 3.3).
#pragma once

#include <gloss/nn/dropout.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/transformer/residual.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// FFN(x) = max(0, x W_1 + b_1) W_2 + b_2, with dropout between.
/// Shape: [..., d_model] -> [..., d_model]
/// Errors: ShapeError when x does not end in d_model.
/// Source: paper 3.3, eq. 2. AT: PositionwiseFeedForward
/// Keys: w_1 [d_ff, d_model], w_2 [d_model, d_ff]: weight, bias
template <Real T>
struct PositionwiseFeedForward final : nn::Module<T> {
  nn::Linear<T> w_1, w_2;
  nn::Dropout<T> dropout;

  GLOSS_COLD PositionwiseFeedForward(Index d_model, Index d_ff, double p_drop = 0.1)
      : w_1(d_model, d_ff), w_2(d_ff, d_model), dropout(p_drop) {}
  Tensor<T> operator()(const Tensor<T>& x, Residual<T> residual = {}) const {
    return this->output(residual.plus(w_2, inner(x)));
  }
  void visit(nn::Visitor<T>& v) override {
    v("w_1", w_1);
    v("w_2", w_2);
    v("dropout", dropout);
  }

 private:
  /// dropout(relu(w_1(x))): where something is dropped relu goes with it, else with the product.
  Tensor<T> inner(const Tensor<T>& x) const {
    if (this->is_heard()) return dropout(relu(w_1(x)));
    if (dropout.is_training() && dropout.p > 0) return relu_dropout(w_1(x), dropout.p);
    return w_1.with_relu(x);
  }
};

/// The same under the name that others give it.
template <Real T>
using FeedForward = PositionwiseFeedForward<T>;

GLOSS_INSTANTIATE(struct PositionwiseFeedForward<float>)
GLOSS_INSTANTIATE(struct PositionwiseFeedForward<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
