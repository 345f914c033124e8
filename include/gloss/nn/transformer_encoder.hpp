// PyTorch's Transformer encoder; AT's own is transformer::Encoder.
#pragma once

#include <optional>
#include <vector>

#include <gloss/nn/clones.hpp>
#include <gloss/nn/transformer_encoder_layer.hpp>

namespace gloss::inline GLOSS_ABI::nn {

template <Real T>
struct TransformerEncoderMasks {
  AttentionMask<T> mask = {};                  // [n, n] or [batch * nhead, n, n]
  AttentionMask<T> src_key_padding_mask = {};  // [batch, n], or [n] without a batch
  std::optional<bool> is_causal = {};          // a hint: mask hides j > i; not said: found out by reading it
};

/// num_layers copies of a layer one after the other, then norm, if there is one. The layer may be any module that is
/// called as TransformerEncoderLayer is, the norm any that is called with a tensor.
/// PyTorch's nested tensors, an affair of its speed, are left out: they make the outputs at hidden places, which nobody
/// reads, norm(0).
/// Shape: src as the layer's -> the same
/// Errors: as the layer's; Error when num_layers is negative.
/// Source: paper 3.1.
/// PyTorch: torch.nn.TransformerEncoder
/// Keys: layers.0., ..., layers.(num_layers - 1)., norm.
template <Real T, class Layer = TransformerEncoderLayer<T>, class Norm = LayerNorm<T>>
struct TransformerEncoder final : Module<T> {
  using Cache = ModelCache<KeyValueCache<T>>;

  std::vector<Layer> layers;
  std::optional<Norm> norm;

  TransformerEncoder(const Layer& encoder_layer, Index num_layers, std::optional<Norm> final_norm = {})
      : layers(clones(encoder_layer, num_layers)), norm(std::move(final_norm)) {}

  /// With a cache src has new positions only; see MultiheadAttention.
  Tensor<T> operator()(const Tensor<T>& src, const TransformerEncoderMasks<T>& masks = {},
                       Cache* cache = nullptr) const {
    const TransformerEncoderLayerMasks<T> layer_masks{
        .src_mask = masks.mask,
        .src_key_padding_mask = masks.src_key_padding_mask,
        .is_causal = masks.is_causal ? *masks.is_causal : detail::is_square_subsequent(masks.mask)};
    Tensor<T> y = src;
    if constexpr (requires(const Layer& layer) { layer(y, layer_masks, &cache->layers[0]); }) {
      if (cache) cache->begin(layers.size());
      for (std::size_t i = 0; i < layers.size(); ++i)
        y = layers[i](y, layer_masks, cache ? &cache->layers[i] : nullptr);
      if (cache) cache->end();
    } else {
      if (cache) fail("TransformerEncoder: its layers take no cache");
      for (const Layer& layer : layers) y = layer(y, layer_masks);
    }
    return this->output(norm ? (*norm)(y) : y);
  }
  void visit(Visitor<T>& v) override {
    v("layers", layers);
    if (norm) v("norm", *norm);
  }
};

GLOSS_INSTANTIATE(struct TransformerEncoder<float>)
GLOSS_INSTANTIATE(struct TransformerEncoder<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
