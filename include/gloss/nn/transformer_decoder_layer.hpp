// PyTorch's Transformer decoder layer; AT's own is transformer::DecoderLayer.
#pragma once

#include <gloss/nn/transformer_encoder_layer.hpp>

namespace gloss::inline GLOSS_ABI::nn {

template <Real T>
struct TransformerDecoderLayerMasks {
  AttentionMask<T> tgt_mask = {};                 // [n, n] or [batch * nhead, n, n]
  AttentionMask<T> memory_mask = {};              // [n, m] or [batch * nhead, n, m]
  AttentionMask<T> tgt_key_padding_mask = {};     // [batch, n], or [n] without a batch
  AttentionMask<T> memory_key_padding_mask = {};  // [batch, m], or [m]
  bool tgt_is_causal = false;                     // hints: the mask hides j > i; may be used in its place
  bool memory_is_causal = false;
};

/// With A(x) = dropout1(self_attn(x, x, x)), M(x) = dropout2(multihead_attn(x, memory, memory)) and
/// F(x) = dropout3(linear2(dropout(activation(linear1(x))))): u = norm1(x + A(x)), v = norm2(u + M(u)),
/// y = norm3(v + F(v)); with norm_first u = x + A(norm1(x)), v = u + M(norm2(u)), y = v + F(norm3(v)).
/// True in a mask HIDES, numbers are added; see MultiheadAttention.
/// Shape: tgt [n, batch, d_model], memory [m, batch, d_model], with batch_first [batch, n, d_model] and [batch, m,
/// d_model], without a batch [n, d_model] and [m, d_model] -> as tgt
/// Errors: ShapeError and Error as MultiheadAttention, Linear and Dropout.
/// Source: paper 3.1; Xiong et al. 2020 for norm_first.
/// PyTorch: torch.nn.TransformerDecoderLayer
/// Keys: self_attn., multihead_attn., linear1., linear2., norm1., norm2., norm3., and activation. where that is a
/// module with parameters
template <Real T>
struct TransformerDecoderLayer final : Module<T> {
  MultiheadAttention<T> self_attn, multihead_attn;
  Linear<T> linear1;
  Dropout<T> dropout;
  Linear<T> linear2;
  LayerNorm<T> norm1, norm2, norm3;
  Dropout<T> dropout1, dropout2, dropout3;
  FeedForwardActivation<T> activation;
  bool norm_first;

  TransformerDecoderLayer(Index d_model, Index nhead, const TransformerLayerOptions<T>& options = {})
      : self_attn(d_model, nhead,
                  {.dropout = options.dropout, .bias = options.bias, .batch_first = options.batch_first}),
        multihead_attn(d_model, nhead,
                       {.dropout = options.dropout, .bias = options.bias, .batch_first = options.batch_first}),
        linear1(d_model, options.dim_feedforward, {.bias = options.bias}),
        dropout(options.dropout),
        linear2(options.dim_feedforward, d_model, {.bias = options.bias}),
        norm1(d_model, {.eps = options.layer_norm_eps, .bias = options.bias}),
        norm2(norm1),
        norm3(norm1),
        dropout1(options.dropout),
        dropout2(options.dropout),
        dropout3(options.dropout),
        activation(options.activation),
        norm_first(options.norm_first) {}

  /// With a cache tgt has new positions only, without tgt_mask each sees those up to its own, and memory is read by the
  /// first call alone; see MultiheadAttention.
  Tensor<T> operator()(const Tensor<T>& tgt, const Tensor<T>& memory, const TransformerDecoderLayerMasks<T>& masks = {},
                       DecoderLayerCache<T>* cache = nullptr) const {
    if (cache && cache->memory.length == 0) multihead_attn.remember(memory, memory, cache->memory);
    const auto attend = [&](const Tensor<T>& x) {
      return self_attn(x, x, x,
                       {.key_padding_mask = masks.tgt_key_padding_mask,
                        .attn_mask = masks.tgt_mask,
                        .is_causal = masks.tgt_is_causal,
                        .cache = cache ? &cache->self_attn : nullptr});
    };
    const auto look_back = [&](const Tensor<T>& x) {
      const MultiheadAttentionCall<T> call{.key_padding_mask = masks.memory_key_padding_mask,
                                           .attn_mask = masks.memory_mask,
                                           .is_causal = masks.memory_is_causal};
      return cache ? multihead_attn.recall(x, cache->memory, call) : multihead_attn(x, memory, memory, call);
    };
    const auto feed_forward = [&](const Tensor<T>& x) {
      return linear2(activation.after(linear1, x, dropout.p, dropout.is_training()));
    };
    if (norm_first) {
      Tensor<T> x = add_dropout(tgt, attend(norm1(tgt)), dropout1.p, dropout1.is_training());
      x = add_dropout(x, look_back(norm2(x)), dropout2.p, dropout2.is_training());
      return this->output(add_dropout(x, feed_forward(norm3(x)), dropout3.p, dropout3.is_training()));
    }
    Tensor<T> x = norm1.of_sum(tgt, attend(tgt), dropout1.p, dropout1.is_training());
    x = norm2.of_sum(x, look_back(x), dropout2.p, dropout2.is_training());
    return this->output(norm3.of_sum(x, feed_forward(x), dropout3.p, dropout3.is_training()));
  }
  void visit(Visitor<T>& v) override {
    v("self_attn", self_attn);
    v("multihead_attn", multihead_attn);
    v("linear1", linear1);
    v("dropout", dropout);
    v("linear2", linear2);
    v("norm1", norm1);
    v("norm2", norm2);
    v("norm3", norm3);
    v("dropout1", dropout1);
    v("dropout2", dropout2);
    v("dropout3", dropout3);
    activation.visit(v);
  }
};

GLOSS_INSTANTIATE(struct TransformerDecoderLayer<float>)
GLOSS_INSTANTIATE(struct TransformerDecoderLayer<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
