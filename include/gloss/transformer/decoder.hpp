// AT's "Decoder": a stack of N decoder layers and a final norm (paper 3.1).
#pragma once

#include <vector>

#include <gloss/transformer/decoder_layer.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// Shape: x [batch, n, d_model], memory [batch, m, d_model] -> [batch, n, d_model]
/// Errors: ShapeError from its layers.
/// Source: paper 3.1. AT: Decoder
/// Keys: layers.0., ..., layers.N-1., norm.
template <Real T>
struct Decoder final : nn::Module<T> {
  std::vector<DecoderLayer<T>> layers;
  LayerNorm<T> norm;

  Decoder(const DecoderLayer<T>& layer, Index N) : layers(nn::clones(layer, N)), norm(layer.size) {}

  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& memory, const Tensor<bool>& src_mask,
                       const Tensor<bool>& tgt_mask) const {
    Tensor<T> y = x;
    for (const DecoderLayer<T>& layer : layers) y = layer(y, memory, src_mask, tgt_mask);
    return this->output(norm(y));
  }
  void visit(nn::Visitor<T>& v) override {
    v("layers", layers);
    v("norm", norm);
  }
};

}  // namespace gloss::inline GLOSS_ABI::transformer
