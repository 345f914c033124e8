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
  using Cache = nn::ModelCache<nn::DecoderLayerCache<T>>;

  std::vector<DecoderLayer<T>> layers;
  LayerNorm<T> norm;

  Decoder(const DecoderLayer<T>& layer, Index N) : layers(nn::clones(layer, N)), norm(layer.size) {}

  /// With a cache x has the new positions only. src_weights, where given, receives the last layer's weights over the
  /// source, [batch, h, n, m].
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& memory, const Tensor<bool>& src_mask,
                       const Tensor<bool>& tgt_mask, Cache* cache = nullptr, Tensor<T>* src_weights = nullptr) const {
    if (cache) cache->begin(layers.size());
    Tensor<T> y = x;
    for (std::size_t i = 0; i < layers.size(); ++i)
      y = layers[i](y, memory, src_mask, tgt_mask, i + 1 == layers.size() ? src_weights : nullptr,
                    cache ? &cache->layers[i] : nullptr);
    if (cache) cache->end();
    return this->output(norm(y));
  }
  void visit(nn::Visitor<T>& v) override {
    v("layers", layers);
    v("norm", norm);
  }
};

GLOSS_INSTANTIATE(struct Decoder<float>)
GLOSS_INSTANTIATE(struct Decoder<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
