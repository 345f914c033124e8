// PyTorch's Transformer: encoder and decoder, without embeddings. AT's whole model is transformer::EncoderDecoder.
#pragma once

#include <optional>
#include <utility>

#include <gloss/nn/transformer_decoder.hpp>
#include <gloss/nn/transformer_encoder.hpp>

namespace gloss::inline GLOSS_ABI::nn {

template <Real T>
struct TransformerOptions {
  Index num_encoder_layers = 6;
  Index num_decoder_layers = 6;
  Index dim_feedforward = 2048;
  double dropout = 0.1;
  FeedForwardActivation<T> activation = "relu";  // or "gelu", or a callable
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  // [batch, length, d_model] instead of [length, batch, d_model]
  bool norm_first = false;
  bool bias = true;

  TransformerLayerOptions<T> of_layers() const {
    return {dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias};
  }
};

template <Real T>
struct TransformerMasks {
  AttentionMask<T> src_mask = {};                 // [m, m] or [batch * nhead, m, m]
  AttentionMask<T> tgt_mask = {};                 // [n, n] or [batch * nhead, n, n]
  AttentionMask<T> memory_mask = {};              // [n, m] or [batch * nhead, n, m]
  AttentionMask<T> src_key_padding_mask = {};     // [batch, m], or [m] without a batch
  AttentionMask<T> tgt_key_padding_mask = {};     // [batch, n], or [n]
  AttentionMask<T> memory_key_padding_mask = {};  // [batch, m], or [m]
  std::optional<bool> src_is_causal = {};         // hints: the mask hides j > i; not said: found out by reading it
  std::optional<bool> tgt_is_causal = {};
  bool memory_is_causal = false;
};

/// y = decoder(tgt, encoder(src)). Both end in a norm, whatever norm_first is. True in a mask HIDES, numbers are added;
/// see MultiheadAttention.
/// A custom encoder or decoder is a module that is called as TransformerEncoder or TransformerDecoder is, given after
/// the options; where only one is custom, default_encoder or default_decoder makes the other.
/// Shape: src [m, batch, d_model], tgt [n, batch, d_model], with batch_first [batch, m, d_model] and [batch, n,
/// d_model], without a batch [m, d_model] and [n, d_model] -> as tgt
/// Errors: ShapeError when src and tgt differ in batch, do not end in d_model, or as MultiheadAttention.
/// Source: paper 3.
/// PyTorch: torch.nn.Transformer; every parameter with more than one axis is drawn by Xavier's uniform rule
/// Keys: encoder., decoder.
template <Real T, class Encoder = TransformerEncoder<T>, class Decoder = TransformerDecoder<T>>
struct Transformer final : Module<T> {
  Encoder encoder;
  Decoder decoder;
  Index d_model, nhead;
  bool batch_first;

  explicit Transformer(Index width = 512, Index heads = 8, const TransformerOptions<T>& options = {})
      : Transformer(width, heads, options, default_encoder(width, heads, options),
                    default_decoder(width, heads, options)) {}
  Transformer(Index width, Index heads, const TransformerOptions<T>& options, Encoder custom_encoder,
              Decoder custom_decoder)
      : encoder(std::move(custom_encoder)),
        decoder(std::move(custom_decoder)),
        d_model(width),
        nhead(heads),
        batch_first(options.batch_first) {
    for (const Tensor<T>& p : this->parameters())
      if (p.dim() > 1) init::xavier_uniform_(p);
  }
  static TransformerEncoder<T> default_encoder(Index width, Index heads, const TransformerOptions<T>& options = {}) {
    return {TransformerEncoderLayer<T>(width, heads, options.of_layers()), options.num_encoder_layers,
            LayerNorm<T>(width, {.eps = options.layer_norm_eps, .bias = options.bias})};
  }
  static TransformerDecoder<T> default_decoder(Index width, Index heads, const TransformerOptions<T>& options = {}) {
    return {TransformerDecoderLayer<T>(width, heads, options.of_layers()), options.num_decoder_layers,
            LayerNorm<T>(width, {.eps = options.layer_norm_eps, .bias = options.bias})};
  }

  Tensor<T> operator()(const Tensor<T>& src, const Tensor<T>& tgt, const TransformerMasks<T>& masks = {}) const {
    const int batch_axis = batch_first ? 0 : 1;
    if (src.dim() != tgt.dim() || (src.dim() != 2 && src.dim() != 3))
      fail<ShapeError>("Transformer: src ", src.shape(), " and tgt ", tgt.shape(),
                       " must have 3 axes, or 2 without a batch");
    if (src.dim() == 3 && src.size(batch_axis) != tgt.size(batch_axis))
      fail<ShapeError>("Transformer: src ", src.shape(), " and tgt ", tgt.shape(), " differ in batch");
    if (src.size(-1) != d_model || tgt.size(-1) != d_model)
      fail<ShapeError>("Transformer: src ", src.shape(), " and tgt ", tgt.shape(), " must end in d_model ", d_model);
    const Tensor<T> memory = encoder(src, TransformerEncoderMasks<T>{.mask = masks.src_mask,
                                                                     .src_key_padding_mask = masks.src_key_padding_mask,
                                                                     .is_causal = masks.src_is_causal});
    return this->output(decoder(tgt, memory,
                                TransformerDecoderMasks<T>{.tgt_mask = masks.tgt_mask,
                                                           .memory_mask = masks.memory_mask,
                                                           .tgt_key_padding_mask = masks.tgt_key_padding_mask,
                                                           .memory_key_padding_mask = masks.memory_key_padding_mask,
                                                           .tgt_is_causal = masks.tgt_is_causal,
                                                           .memory_is_causal = masks.memory_is_causal}));
  }
  void visit(Visitor<T>& v) override {
    v("encoder", encoder);
    v("decoder", decoder);
  }
};

GLOSS_INSTANTIATE(struct Transformer<float>)
GLOSS_INSTANTIATE(struct Transformer<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
