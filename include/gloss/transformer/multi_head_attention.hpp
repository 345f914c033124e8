// AT's "MultiHeadedAttention" (paper 3.2.2).
#pragma once

#include <vector>

#include <gloss/nn/clones.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/key_value_cache.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/joint_linear.hpp>
#include <gloss/ops/multi_head_attention.hpp>
#include <gloss/transformer/residual.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// h attentions side by side, each of width d_k = d_model / h, and a projection of their concatenation. Where query,
/// key and value are one tensor they are projected by one product, key and value alone by another.
/// Shape: query [batch, n, d_model], key and value [batch, m, d_model], mask [batch or 1, n or 1, m] -> [batch, n,
/// d_model]
/// Errors: ShapeError when h does not divide d_model, or inputs do not fit.
/// Source: paper 3.2.2.
/// AT: MultiHeadedAttention (dropout 0.1 on the weights)
/// Keys: linears.0 (query), linears.1 (key), linears.2 (value), linears.3 (output): weight, bias
template <Real T>
struct MultiHeadedAttention final : nn::Module<T> {
  Index h, d_model, d_k;
  std::vector<nn::Linear<T>> linears;
  nn::Dropout<T> dropout;

  GLOSS_COLD MultiHeadedAttention(Index heads, Index model_width, double p_drop = 0.1)
      : h(heads), d_model(model_width), d_k(heads > 0 ? model_width / heads : 0), dropout(p_drop) {
    if (h <= 0 || d_model % h != 0)
      fail<ShapeError>("MultiHeadedAttention: d_model ", d_model, " is not a multiple of h ", h);
    linears = nn::clones(nn::Linear<T>(d_model, d_model), 4);
  }

  /// weights, where given, receives the attention weights [batch, h, n, m]; residual is added to the result. With a
  /// cache query, key and value are of new positions, whose keys and values are put behind those in the cache; they see
  /// all up to their own, unless a mask [batch or 1, n, cached + n] says otherwise.
  Tensor<T> operator()(const Tensor<T>& query, const Tensor<T>& key, const Tensor<T>& value,
                       const Tensor<bool>& mask = {}, Tensor<T>* weights = nullptr, Residual<T> residual = {},
                       nn::KeyValueCache<T>* cache = nullptr) const {
    if (query.dim() != 3 || key.dim() != 3 || value.dim() != 3)
      fail<ShapeError>("MultiHeadedAttention: three axes wanted: query ", query.shape(), ", key ", key.shape(),
                       ", value ", value.shape());
    const std::vector<Tensor<T>> qkv = projected(query, key, value);
    if (!cache) {
      const Tensor<T> x = gloss::multi_head_attention(qkv, h, attention_options(mask), weights);
      return this->output(residual.plus(linears[3], x));
    }
    const auto heads = [&](Index i) { return gloss::detail::heads_at(qkv, h, i); };
    AttentionOptions<T> options = attention_options(mask);
    options.causal = !mask.defined();
    return projected_back(cache->attend(heads(0), heads(1), heads(2), options, weights), residual);
  }
  /// Puts keys and values that do not change from call to call, as those of an encoder's output, into a cache.
  void remember(const Tensor<T>& key, const Tensor<T>& value, nn::KeyValueCache<T>& cache) const {
    cache.append(split_heads(linears[1](key)), split_heads(linears[2](value)));
  }
  /// What operator() gives for the keys and values that remember() has put into the cache.
  Tensor<T> recall(const Tensor<T>& query, nn::KeyValueCache<T>& cache, const Tensor<bool>& mask = {},
                   Tensor<T>* weights = nullptr, Residual<T> residual = {}) const {
    return projected_back(cache.attend(split_heads(linears[0](query)), attention_options(mask), weights), residual);
  }

  void visit(nn::Visitor<T>& v) override {
    v("linears", linears);
    v("dropout", dropout);
  }

 private:
  /// [batch, n, d_model] -> [batch, h, n, d_k], a view.
  Tensor<T> split_heads(const Tensor<T>& x) const { return x.view({x.size(0), x.size(1), h, d_k}).transpose(1, 2); }

  /// Heads joined again and projected.
  Tensor<T> projected_back(const Tensor<T>& y, Residual<T> residual) const {
    return this->output(residual.plus(linears[3], y.transpose(1, 2).reshape({y.size(0), -1, d_model})));
  }

  /// attention(q, k, v, mask, p) as one op, with the same draws and without keeping the weights.
  AttentionOptions<T> attention_options(const Tensor<bool>& mask) const {
    if (mask.defined() && mask.dim() != 3)
      fail<ShapeError>("MultiHeadedAttention: mask ", mask.shape(), " has not three axes, [batch or 1, n or 1, m]");
    return {.mask = mask.defined() ? mask.unsqueeze(1) : mask,
            .dropout = dropout.is_training() ? dropout.p : 0,
            .mask_fill = -1e9};
  }

  /// The first three linear maps of query, key and value: those of one tensor side by side in one.
  std::vector<Tensor<T>> projected(const Tensor<T>& query, const Tensor<T>& key, const Tensor<T>& value) const {
    const auto jointly = [&](std::size_t first, const Tensor<T>& x) {
      std::vector<Tensor<T>> w, b;
      for (std::size_t i = first; i < 3; ++i) {
        w.push_back(linears[i].weight);
        b.push_back(linears[i].bias);
      }
      return joint_linear(x, w, b);
    };
    if (!key.is_same(value) || this->is_heard()) return {linears[0](query), linears[1](key), linears[2](value)};
    if (!query.is_same(key)) return {linears[0](query), jointly(1, key)};
    return {jointly(0, query)};
  }
};

/// The same under the name that others give it.
template <Real T>
using MultiHeadAttention = MultiHeadedAttention<T>;

GLOSS_INSTANTIATE(struct MultiHeadedAttention<float>)
GLOSS_INSTANTIATE(struct MultiHeadedAttention<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
