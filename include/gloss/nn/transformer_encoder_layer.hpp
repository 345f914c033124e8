// PyTorch's Transformer encoder layer; AT's own is transformer::EncoderLayer.
#pragma once

#include <span>

#include <gloss/nn/dropout.hpp>
#include <gloss/nn/feed_forward_activation.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/multihead_attention.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Of an encoder or a decoder layer.
template <Real T>
struct TransformerLayerOptions {
  Index dim_feedforward = 2048;
  double dropout = 0.1;                          // of the attention's weights, and behind each sublayer
  FeedForwardActivation<T> activation = "relu";  // or "gelu", or a callable
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  // [batch, length, d_model] instead of [length, batch, d_model]
  bool norm_first = false;   // x + f(norm(x)) instead of norm(x + f(x))
  bool bias = true;          // in linear layers and norms
};

template <Real T>
struct TransformerEncoderLayerMasks {
  AttentionMask<T> src_mask = {};              // [n, n] or [batch * nhead, n, n]
  AttentionMask<T> src_key_padding_mask = {};  // [batch, n], or [n] without a batch
  bool is_causal = false;                      // a hint: src_mask hides j > i; may be used in its place
  std::span<const Index> lengths = {};         // see MultiheadAttentionCall
};

/// With A(x) = dropout1(self_attn(x, x, x)) and F(x) = dropout2(linear2(dropout(activation(linear1(x))))):
/// z = norm1(x + A(x)), y = norm2(z + F(z)); with norm_first z = x + A(norm1(x)), y = z + F(norm2(z)).
/// True in a mask HIDES, numbers are added; see MultiheadAttention.
/// Shape: [n, batch, d_model], with batch_first [batch, n, d_model], without a batch [n, d_model] -> the same
/// Errors: ShapeError and Error as MultiheadAttention, Linear and Dropout.
/// Source: paper 3.1; Xiong et al. 2020 for norm_first.
/// PyTorch: torch.nn.TransformerEncoderLayer; its faster path for inference gives the same but for queries that may
/// attend to nothing.
/// Keys: self_attn., linear1., linear2., norm1., norm2., and activation. where that is a module with parameters
template <Real T>
struct TransformerEncoderLayer final : Module<T> {
  MultiheadAttention<T> self_attn;
  Linear<T> linear1;
  Dropout<T> dropout;
  Linear<T> linear2;
  LayerNorm<T> norm1, norm2;
  Dropout<T> dropout1, dropout2;
  FeedForwardActivation<T> activation;
  bool norm_first;

  TransformerEncoderLayer(Index d_model, Index nhead, const TransformerLayerOptions<T>& options = {})
      : self_attn(d_model, nhead,
                  {.dropout = options.dropout, .bias = options.bias, .batch_first = options.batch_first}),
        linear1(d_model, options.dim_feedforward, {.bias = options.bias}),
        dropout(options.dropout),
        linear2(options.dim_feedforward, d_model, {.bias = options.bias}),
        norm1(d_model, {.eps = options.layer_norm_eps, .bias = options.bias}),
        norm2(norm1),
        dropout1(options.dropout),
        dropout2(options.dropout),
        activation(options.activation),
        norm_first(options.norm_first) {}

  /// With a cache src has new positions only, and without a mask each sees those up to its own; see
  /// MultiheadAttention.
  Tensor<T> operator()(const Tensor<T>& src, const TransformerEncoderLayerMasks<T>& masks = {},
                       KeyValueCache<T>* cache = nullptr) const {
    const auto attend = [&](const Tensor<T>& x) {
      return self_attn(x, x, x,
                       {.key_padding_mask = masks.src_key_padding_mask,
                        .attn_mask = masks.src_mask,
                        .is_causal = masks.is_causal,
                        .cache = cache,
                        .lengths = masks.lengths});
    };
    const auto feed_forward = [&](const Tensor<T>& x) {
      return linear2(activation.after(linear1, x, dropout.p, dropout.is_training()));
    };
    if (norm_first) {
      const Tensor<T> x = add_dropout(src, attend(norm1(src)), dropout1.p, dropout1.is_training());
      return this->output(add_dropout(x, feed_forward(norm2(x)), dropout2.p, dropout2.is_training()));
    }
    const Tensor<T> x = norm1.of_sum(src, attend(src), dropout1.p, dropout1.is_training());
    return this->output(norm2.of_sum(x, feed_forward(x), dropout2.p, dropout2.is_training()));
  }
  void visit(Visitor<T>& v) override {
    v("self_attn", self_attn);
    v("linear1", linear1);
    v("dropout", dropout);
    v("linear2", linear2);
    v("norm1", norm1);
    v("norm2", norm2);
    v("dropout1", dropout1);
    v("dropout2", dropout2);
    activation.visit(v);
  }
};

GLOSS_INSTANTIATE(struct TransformerEncoderLayer<float>)
GLOSS_INSTANTIATE(struct TransformerEncoderLayer<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
