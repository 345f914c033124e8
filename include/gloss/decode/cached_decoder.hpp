// A decoder that keeps the keys and values it has computed, so that each new token costs one position.
#pragma once

#include <cstring>
#include <vector>

#include <gloss/transformer/encoder_decoder.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// The state of a batch of sequences that are being decoded together by one model. Rows can be dropped, repeated and
/// reordered between steps, as finished sentences and beams require.
template <Real T>
class CachedDecoder {
 public:
  /// Encodes the sources and projects their keys and values for every layer.
  /// Shape: src [batch, m], src_mask [batch, 1, m]
  CachedDecoder(const transformer::EncoderDecoder<T>& model, const Tensor<std::int64_t>& src,
                const Tensor<bool>& src_mask)
      : model_(&model), src_mask_(src_mask.contiguous()), layers_(model.decoder.layers.size()) {
    NoGradGuard no_grad;
    const Tensor<T> memory = model.encode(src, src_mask);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& attn = model.decoder.layers[i].src_attn;
      layers_[i].src_key = attn.split_heads(attn.linears[1](memory)).contiguous();
      layers_[i].src_value = attn.split_heads(attn.linears[2](memory)).contiguous();
    }
  }

  /// How many sequences are being decoded.
  Index batch() const { return src_mask_.size(0); }
  /// Tokens read so far by each sequence.
  Index length() const { return length_; }

  /// Reads one token per sequence; returns the log-probabilities of the next. src_weights, where given, receives the
  /// last layer's attention over the source, [batch, h, 1, m].
  /// Shape: tokens [batch] -> [batch, vocab]
  Tensor<T> step(const Tensor<std::int64_t>& tokens, Tensor<T>* src_weights = nullptr) {
    NoGradGuard no_grad;
    const auto& embed = model_->tgt_embed;
    Tensor<T> x = embed.template get<1>()(embed.template get<0>()(tokens.view({batch(), 1})), length_);
    reserve(length_ + 1);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& layer = model_->decoder.layers[i];
      Cache& cache = layers_[i];
      x = layer.sublayer[0](x, [&](const Tensor<T>& z, const Tensor<T>* residual = nullptr) {
        const auto& attn = layer.self_attn;
        cache.key.narrow(2, length_, 1).copy_(attn.split_heads(attn.linears[1](z)));
        cache.value.narrow(2, length_, 1).copy_(attn.split_heads(attn.linears[2](z)));
        return attn.project(attn.split_heads(attn.linears[0](z)), cache.key.narrow(2, 0, length_ + 1),
                            cache.value.narrow(2, 0, length_ + 1), {}, nullptr, residual);
      });
      x = layer.sublayer[1](x, [&](const Tensor<T>& z, const Tensor<T>* residual = nullptr) {
        const auto& attn = layer.src_attn;
        return attn.project(attn.split_heads(attn.linears[0](z)), cache.src_key, cache.src_value, src_mask_,
                            i + 1 == layers_.size() ? src_weights : nullptr, residual);
      });
      x = layer.sublayer[2](x, layer.feed_forward);
    }
    ++length_;
    return model_->generator(model_->decoder.norm(x).select(1, 0));
  }

  /// Row i of the state becomes the old row rows[i]; the number of rows may change.
  /// Errors: IndexError for a row that there is not.
  void select_rows(const Tensor<std::int64_t>& rows) {
    for (Index i = 0; i < rows.numel(); ++i)
      if (const std::int64_t row = rows.at({i}); row < 0 || row >= batch())
        fail<IndexError>("CachedDecoder::select_rows: row ", row, " is out of range for a batch of ", batch());
    NoGradGuard no_grad;
    for (Cache& cache : layers_) {
      if (cache.key.defined()) {
        cache.key = select_used(cache.key, rows);
        cache.value = select_used(cache.value, rows);
      }
      cache.src_key = select_all(cache.src_key, rows);
      cache.src_value = select_all(cache.src_value, rows);
    }
    src_mask_ = select_all(src_mask_, rows);
  }

 private:
  struct Cache {
    Tensor<T> key, value;          // [batch, h, capacity, d_k], the first length_ positions in use
    Tensor<T> src_key, src_value;  // [batch, h, m, d_k]
  };

  // Room for n positions; grows by doubling.
  void reserve(Index n) {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& attn = model_->decoder.layers[i].self_attn;
      for (Tensor<T>* t : {&layers_[i].key, &layers_[i].value}) {
        if (t->defined() && t->size(2) >= n) continue;
        Tensor<T> grown = empty<T>({batch(), attn.h, (std::max)(Index{16}, 2 * n), attn.d_k});
        if (t->defined()) grown.narrow(2, 0, length_).copy_(t->narrow(2, 0, length_));
        *t = grown;
      }
    }
  }
  // Rows of dense tensors. Not index_select, whose gradient every program that decodes would compile.
  template <class U>
  static Tensor<U> select_all(const Tensor<U>& x, const Tensor<std::int64_t>& rows) {
    Shape shape = x.shape();
    const auto row = static_cast<std::size_t>(shape[0] > 0 ? x.numel() / shape[0] : 0);
    shape[0] = rows.numel();
    Tensor<U> out = empty<U>(shape);
    for (Index i = 0; row > 0 && i < shape[0]; ++i)
      std::memcpy(out.data() + static_cast<std::size_t>(i) * row,
                  x.data() + static_cast<std::size_t>(rows.at({i})) * row, row * sizeof(U));
    return out;
  }
  Tensor<T> select_used(const Tensor<T>& cache, const Tensor<std::int64_t>& rows) const {
    Tensor<T> out = empty<T>({rows.numel(), cache.size(1), cache.size(2), cache.size(3)});
    for (Index i = 0; i < rows.numel(); ++i)
      out.select(0, i).narrow(1, 0, length_).copy_(cache.select(0, rows.at({i})).narrow(1, 0, length_));
    return out;
  }

  const transformer::EncoderDecoder<T>* model_;
  Tensor<bool> src_mask_;
  std::vector<Cache> layers_;
  Index length_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::decode
