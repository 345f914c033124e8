// AT's "SublayerConnection": the residual connection around every sublayer.
#pragma once

#include <concepts>

#include <gloss/nn/dropout.hpp>
#include <gloss/transformer/layer_norm.hpp>
#include <gloss/transformer/residual.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// y = x + dropout(sublayer(norm(x))): as in AT, the norm comes first.
/// Where nothing is dropped, x is added by the sublayer's last product, if it takes one: sublayer(norm(x),
/// Residual{&x}).
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
    if constexpr (std::invocable<const Sublayer&, const Tensor<T>&, Residual<T>>)
      if (!this->is_heard() && !(dropout.is_training() && dropout.p > 0)) return sublayer(norm(x), Residual<T>{&x});
    return this->output(add_dropout(x, sublayer(norm(x)), dropout.p, dropout.is_training()));
  }
  void visit(nn::Visitor<T>& v) override {
    v("norm", norm);
    v("dropout", dropout);
  }
};

GLOSS_INSTANTIATE(struct SublayerConnection<float>)
GLOSS_INSTANTIATE(struct SublayerConnection<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
