// AT's "DecoderLayer": self-attention, attention over the encoder's output, feed-forward (paper 3.1).
#pragma once

#include <vector>

#include <gloss/nn/clones.hpp>
#include <gloss/transformer/feed_forward.hpp>
#include <gloss/transformer/multi_head_attention.hpp>
#include <gloss/transformer/sublayer_connection.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// Shape: x [batch, n, size], memory [batch, m, size], src_mask [batch or 1, 1, m], tgt_mask [batch or 1, n, n]
///        -> [batch, n, size]
/// Errors: ShapeError from its parts.
/// Source: paper 3.1. AT: DecoderLayer
/// Keys: self_attn., src_attn., feed_forward., sublayer.0., sublayer.1., sublayer.2.
template <Real T>
struct DecoderLayer final : nn::Module<T> {
  Index size;
  MultiHeadedAttention<T> self_attn, src_attn;
  PositionwiseFeedForward<T> feed_forward;
  std::vector<SublayerConnection<T>> sublayer;

  GLOSS_COLD DecoderLayer(Index width, MultiHeadedAttention<T> self_attention, MultiHeadedAttention<T> src_attention,
                          PositionwiseFeedForward<T> ff, double p_drop)
      : size(width),
        self_attn(std::move(self_attention)),
        src_attn(std::move(src_attention)),
        feed_forward(std::move(ff)),
        sublayer(nn::clones(SublayerConnection<T>(width, p_drop), 3)) {}

  /// src_weights, where given, receives the weights over the source, [batch, h, n, m]. With a cache x has the new
  /// positions only, and memory is read by the first call alone.
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& memory, const Tensor<bool>& src_mask,
                       const Tensor<bool>& tgt_mask, Tensor<T>* src_weights = nullptr,
                       nn::DecoderLayerCache<T>* cache = nullptr) const {
    const Tensor<T>& m = memory;
    if (cache && cache->memory.length == 0) src_attn.remember(m, m, cache->memory);
    Tensor<T> y = sublayer[0](x, [&](const Tensor<T>& z, Residual<T> residual = {}) {
      return self_attn(z, z, z, tgt_mask, nullptr, residual, cache ? &cache->self_attn : nullptr);
    });
    y = sublayer[1](y, [&](const Tensor<T>& z, Residual<T> residual = {}) {
      return cache ? src_attn.recall(z, cache->memory, src_mask, src_weights, residual)
                   : src_attn(z, m, m, src_mask, src_weights, residual);
    });
    return this->output(sublayer[2](y, feed_forward));
  }
  void visit(nn::Visitor<T>& v) override {
    v("self_attn", self_attn);
    v("src_attn", src_attn);
    v("feed_forward", feed_forward);
    v("sublayer", sublayer);
  }
};

GLOSS_INSTANTIATE(struct DecoderLayer<float>)
GLOSS_INSTANTIATE(struct DecoderLayer<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
