// AT's "SublayerConnection": the residual connection around every sublayer.
#pragma once

#include <gloss/nn/dropout.hpp>
#include <gloss/transformer/layer_norm.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// y = x + dropout(sublayer(norm(x))): as in AT, the norm comes first.
/// Where nothing is dropped, x is added by the sublayer's last product: sublayer(norm(x), &x), if it can be called so.
/// Shape: x -> the same; sublayer is any callable that keeps the shape.
/// Errors: ShapeError when it does not.
/// Source: paper 3.1. AT: SublayerConnection
/// Keys: norm.a_2, norm.b_2
template <Real T>
struct SublayerConnection final : nn::Module<T> {
  LayerNorm<T> norm;
  nn::Dropout<T> dropout;

  SublayerConnection(Index size, double p_drop) : norm(size), dropout(p_drop) {}
  template <class Sublayer>
  Tensor<T> operator()(const Tensor<T>& x, const Sublayer& sublayer) const {
    if constexpr (requires { sublayer(x, &x); })
      if (!this->is_heard() && !(this->is_training() && dropout.p > 0)) return sublayer(norm(x), &x);
    return this->output(add_dropout(x, sublayer(norm(x)), dropout.p, this->is_training()));
  }
  void visit(nn::Visitor<T>& v) override {
    v("norm", norm);
    v("dropout", dropout);
  }
};

}  // namespace gloss::inline GLOSS_ABI::transformer
