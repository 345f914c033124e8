// AT's "EncoderLayer": self-attention, then feed-forward (paper 3.1).
#pragma once

#include <vector>

#include <gloss/nn/clones.hpp>
#include <gloss/transformer/feed_forward.hpp>
#include <gloss/transformer/multi_head_attention.hpp>
#include <gloss/transformer/sublayer_connection.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// Shape: x [batch, n, size], mask [batch or 1, n or 1, n] -> [batch, n, size]
/// Errors: ShapeError from its parts.
/// Source: paper 3.1. AT: EncoderLayer
/// Keys: self_attn., feed_forward., sublayer.0., sublayer.1.
template <Real T>
struct EncoderLayer final : nn::Module<T> {
  Index size;
  MultiHeadedAttention<T> self_attn;
  PositionwiseFeedForward<T> feed_forward;
  std::vector<SublayerConnection<T>> sublayer;

  GLOSS_COLD EncoderLayer(Index width, MultiHeadedAttention<T> self_attention, PositionwiseFeedForward<T> ff,
                          double p_drop)
      : size(width),
        self_attn(std::move(self_attention)),
        feed_forward(std::move(ff)),
        sublayer(nn::clones(SublayerConnection<T>(width, p_drop), 2)) {}

  Tensor<T> operator()(const Tensor<T>& x, const Tensor<bool>& mask) const {
    const Tensor<T> y = sublayer[0](
        x, [&](const Tensor<T>& z, Residual<T> residual = {}) { return self_attn(z, z, z, mask, nullptr, residual); });
    return this->output(sublayer[1](y, feed_forward));
  }
  void visit(nn::Visitor<T>& v) override {
    v("self_attn", self_attn);
    v("feed_forward", feed_forward);
    v("sublayer", sublayer);
  }
};

GLOSS_INSTANTIATE(struct EncoderLayer<float>)
GLOSS_INSTANTIATE(struct EncoderLayer<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
