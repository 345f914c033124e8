// AT's "Encoder": a stack of N encoder layers and a final norm (paper 3.1).
#pragma once

#include <vector>

#include <gloss/transformer/encoder_layer.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// Shape: x [batch, n, d_model], mask [batch or 1, n or 1, n] -> [batch, n, d_model]
/// Errors: ShapeError from its layers.
/// Source: paper 3.1. AT: Encoder
/// Keys: layers.0., ..., layers.N-1., norm.
template <Real T>
struct Encoder final : nn::Module<T> {
  std::vector<EncoderLayer<T>> layers;
  LayerNorm<T> norm;

  Encoder(const EncoderLayer<T>& layer, Index N) : layers(nn::clones(layer, N)), norm(layer.size) {}

  Tensor<T> operator()(const Tensor<T>& x, const Tensor<bool>& mask) const {
    Tensor<T> y = x;
    for (const EncoderLayer<T>& layer : layers) y = layer(y, mask);
    return this->output(norm(y));
  }
  void visit(nn::Visitor<T>& v) override {
    v("layers", layers);
    v("norm", norm);
  }
};

GLOSS_INSTANTIATE(struct Encoder<float>)
GLOSS_INSTANTIATE(struct Encoder<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
