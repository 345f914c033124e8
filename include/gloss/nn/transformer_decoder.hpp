// PyTorch's Transformer decoder; AT's own is transformer::Decoder.
#pragma once

#include <optional>
#include <vector>

#include <gloss/nn/clones.hpp>
#include <gloss/nn/transformer_decoder_layer.hpp>

namespace gloss::inline GLOSS_ABI::nn {

template <Real T>
struct TransformerDecoderMasks {
  AttentionMask<T> tgt_mask = {};                 // [n, n] or [batch * nhead, n, n]
  AttentionMask<T> memory_mask = {};              // [n, m] or [batch * nhead, n, m]
  AttentionMask<T> tgt_key_padding_mask = {};     // [batch, n], or [n] without a batch
  AttentionMask<T> memory_key_padding_mask = {};  // [batch, m], or [m]
  std::optional<bool> tgt_is_causal = {};         // a hint: tgt_mask hides j > i; not said: found out by reading it
  bool memory_is_causal = false;                  // a hint: memory_mask hides j > i
};

/// num_layers copies of a layer one after the other, then norm, if there is one. The layer may be any module that is
/// called as TransformerDecoderLayer is, the norm any that is called with a tensor.
/// Shape: tgt, memory as the layer's -> as tgt
/// Errors: as the layer's; Error when num_layers is negative.
/// Source: paper 3.1.
/// PyTorch: torch.nn.TransformerDecoder
/// Keys: layers.0., ..., layers.(num_layers - 1)., norm.
template <Real T, class Layer = TransformerDecoderLayer<T>, class Norm = LayerNorm<T>>
struct TransformerDecoder final : Module<T> {
  using Cache = ModelCache<DecoderLayerCache<T>>;

  std::vector<Layer> layers;
  std::optional<Norm> norm;

  TransformerDecoder(const Layer& decoder_layer, Index num_layers, std::optional<Norm> final_norm = {})
      : layers(clones(decoder_layer, num_layers)), norm(std::move(final_norm)) {}

  /// With a cache tgt has new positions only, and memory may be left undefined after the first call; see
  /// MultiheadAttention.
  Tensor<T> operator()(const Tensor<T>& tgt, const Tensor<T>& memory, const TransformerDecoderMasks<T>& masks = {},
                       Cache* cache = nullptr) const {
    const TransformerDecoderLayerMasks<T> layer_masks{
        .tgt_mask = masks.tgt_mask,
        .memory_mask = masks.memory_mask,
        .tgt_key_padding_mask = masks.tgt_key_padding_mask,
        .memory_key_padding_mask = masks.memory_key_padding_mask,
        .tgt_is_causal = masks.tgt_is_causal ? *masks.tgt_is_causal : detail::is_square_subsequent(masks.tgt_mask),
        .memory_is_causal = masks.memory_is_causal};
    Tensor<T> y = tgt;
    if constexpr (requires(const Layer& layer) { layer(y, memory, layer_masks, &cache->layers[0]); }) {
      if (cache) cache->begin(layers.size());
      for (std::size_t i = 0; i < layers.size(); ++i)
        y = layers[i](y, memory, layer_masks, cache ? &cache->layers[i] : nullptr);
      if (cache) cache->end();
    } else {
      if (cache) fail("TransformerDecoder: its layers take no cache");
      for (const Layer& layer : layers) y = layer(y, memory, layer_masks);
    }
    return this->output(norm ? (*norm)(y) : y);
  }
  void visit(Visitor<T>& v) override {
    v("layers", layers);
    if (norm) v("norm", *norm);
  }
};

GLOSS_INSTANTIATE(struct TransformerDecoder<float>)
GLOSS_INSTANTIATE(struct TransformerDecoder<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
