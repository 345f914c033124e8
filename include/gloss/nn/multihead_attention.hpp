// PyTorch's multi-head attention; AT's own is transformer::MultiHeadedAttention.
#pragma once

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include <gloss/nn/attention_mask.hpp>
#include <gloss/nn/key_value_cache.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/multi_head_attention.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/ops/tri.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct MultiheadAttentionOptions {
  double dropout = 0;  // of the weights
  bool bias = true;
  bool add_bias_kv = false;    // a learnt key and value after those of the sequence
  bool add_zero_attn = false;  // a key and a value of zeros after those
  Index kdim = 0;              // width of key; 0: embed_dim
  Index vdim = 0;              // width of value; 0: embed_dim
  bool batch_first = false;    // [batch, length, width] instead of [length, batch, width]
};

/// What a call of MultiheadAttention may be given besides query, key and value.
template <Real T>
struct MultiheadAttentionCall {
  AttentionMask<T> key_padding_mask = {};  // [batch, m], or [m] without a batch
  AttentionMask<T> attn_mask = {};         // [n, m], or [batch * num_heads, n, m]
  bool average_attn_weights = true;        // the weights' mean over the heads
  bool is_causal = false;                  // a hint: attn_mask hides j > i; may be used in its place
  KeyValueCache<T>* cache = nullptr;       // keys and values of the positions before these, which are put behind them
  std::span<const Index> lengths = {};     // of sequences that lie one behind the other, each attends within itself
};

/// The output and the attention weights, as in auto [output, weights] = attention.with_weights(query, key, value).
template <Real T>
struct MultiheadAttentionResult {
  Tensor<T> attn_output;
  Tensor<T> attn_output_weights;
};

/// With W_q, W_k, W_v, W_o linear maps, heads cut from what they give, and d the width of a head:
/// y = W_o concat_h(dropout(softmax(q_h k_h^T / sqrt(d) + mask)) v_h).
/// In attn_mask and key_padding_mask, true HIDES and numbers are added, which is PyTorch's convention for this layer
/// and the reverse of scaled_dot_product_attention's. Where query, key and value are one tensor they are projected by
/// one product, key and value alone by another.
/// A query that may attend to nothing gets W_o 0 = out_proj.bias; with_weights gives NaN for it, as PyTorch does with
/// need_weights.
/// With a cache query, key and value are of n new positions. Each sees all positions up to its own, unless attn_mask
/// [n, cached + n] says otherwise; key_padding_mask is [batch, cached + n].
/// With lengths, which add up to n, the sequences of a batch of 1 attend each within itself, as a batch of texts does
/// that has lost its padding; there is no mask then.
/// Shape: query [n, batch, embed_dim], key [m, batch, kdim], value [m, batch, vdim] -> [n, batch, embed_dim]; with
/// batch_first the first two axes change places; without a batch [n, embed_dim], [m, kdim], [m, vdim] -> [n,
/// embed_dim].
/// Errors: ShapeError when sizes, masks or lengths do not fit; Error for a dropout outside [0, 1], is_causal without
/// attn_mask, a cache beside add_bias_kv or add_zero_attn, lengths beside one of these, a mask or a cache.
/// Source: paper 3.2.2.
/// PyTorch: torch.nn.MultiheadAttention, with its initialisation: Xavier's for the projections, biases 0,
/// out_proj.weight as Linear's.
/// Keys: in_proj_weight [3 embed_dim, embed_dim], or, where kdim or vdim is not embed_dim, q_proj_weight [embed_dim,
/// embed_dim], k_proj_weight [embed_dim, kdim] and v_proj_weight [embed_dim, vdim]; in_proj_bias [3 embed_dim]; bias_k,
/// bias_v [1, 1, embed_dim]; out_proj.weight, out_proj.bias
template <Real T>
struct MultiheadAttention final : Module<T> {
  Index embed_dim, num_heads, kdim, vdim;
  double dropout;
  bool add_zero_attn, batch_first;
  Parameter<T> in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, bias_k, bias_v;
  Linear<T> out_proj;

  MultiheadAttention(Index width, Index heads, MultiheadAttentionOptions options = {})
      : embed_dim(width),
        num_heads(heads),
        kdim(options.kdim == 0 ? width : options.kdim),
        vdim(options.vdim == 0 ? width : options.vdim),
        dropout(options.dropout),
        add_zero_attn(options.add_zero_attn),
        batch_first(options.batch_first),
        out_proj(checked_width(width, heads, options), width, {.bias = options.bias}) {
    const auto weight = [](Parameter<T>& p, Index out, Index in) {
      p = Parameter<T>(empty<T>({out, in}));
      init::xavier_uniform_(p);
    };
    if (kdim == embed_dim && vdim == embed_dim) {
      weight(in_proj_weight, 3 * embed_dim, embed_dim);
    } else {
      weight(q_proj_weight, embed_dim, embed_dim);
      weight(k_proj_weight, embed_dim, kdim);
      weight(v_proj_weight, embed_dim, vdim);
    }
    if (options.bias) {
      in_proj_bias = Parameter<T>(zeros<T>({3 * embed_dim}));
      init::zeros_(out_proj.bias);
    }
    if (options.add_bias_kv) {
      bias_k = Parameter<T>(empty<T>({1, 1, embed_dim}));
      bias_v = Parameter<T>(empty<T>({1, 1, embed_dim}));
      init::xavier_normal_(bias_k);
      init::xavier_normal_(bias_v);
    }
  }

  /// The output alone: the weights are not computed. PyTorch: need_weights=False
  Tensor<T> operator()(const Tensor<T>& query, const Tensor<T>& key, const Tensor<T>& value,
                       const MultiheadAttentionCall<T>& call = {}) const {
    return forward(query, key, value, call);
  }
  /// Output and weights, [batch, n, m] or, not averaged, [batch, num_heads, n, m], without a batch [n, m] or
  /// [num_heads, n, m]; in training after dropout; in the graph where the inputs are. m counts added keys too.
  MultiheadAttentionResult<T> with_weights(const Tensor<T>& query, const Tensor<T>& key, const Tensor<T>& value,
                                           const MultiheadAttentionCall<T>& call = {}) const {
    MultiheadAttentionResult<T> result;
    Tensor<T>& weights = result.attn_output_weights;
    result.attn_output = forward(query, key, value, call, &weights, &MultiheadAttention::composed);
    if (call.average_attn_weights) weights = mean(weights, 1);
    if (query.dim() == 2) weights = weights.select(0, 0);
    return result;
  }
  /// Puts keys and values that do not change from call to call, as those of an encoder's output, into a cache.
  void remember(const Tensor<T>& key, const Tensor<T>& value, KeyValueCache<T>& cache) const {
    check_cacheable();
    const Tensor<T>& w = in_proj_weight;
    const Tensor<T> k = w.defined() ? project(key, w, 1, 2) : project(key, k_proj_weight, 1, 2);
    const Tensor<T> v = w.defined() ? project(value, w, 2, 3) : project(value, v_proj_weight, 2, 3);
    cache.append(heads(k), heads(v));
  }
  /// What operator() gives for the keys and values that remember() has put into the cache.
  Tensor<T> recall(const Tensor<T>& query, KeyValueCache<T>& cache, const MultiheadAttentionCall<T>& call = {}) const {
    const Tensor<T> q = project(query, in_proj_weight.defined() ? in_proj_weight : q_proj_weight, 0, 1);
    const Sizes sizes{q.size(0), q.size(1), cache.length};
    check_masks(sizes, query.dim(), call);
    check_lengths(sizes, call, &cache);
    const auto y = cache.attend(heads(q), attention_options(call, sizes, false));
    return joined(query, y.transpose(1, 2).flatten(2, 3));
  }
  void visit(Visitor<T>& v) override {
    v("in_proj_weight", in_proj_weight);
    v("q_proj_weight", q_proj_weight);
    v("k_proj_weight", k_proj_weight);
    v("v_proj_weight", v_proj_weight);
    v("in_proj_bias", in_proj_bias);
    v("bias_k", bias_k);
    v("bias_v", bias_v);
    v("out_proj", out_proj);
  }

 private:
  static Index checked_width(Index width, Index heads, const MultiheadAttentionOptions& options) {
    if (width <= 0 || heads <= 0)
      fail<ShapeError>("MultiheadAttention: embed_dim and num_heads must be positive: ", width, " and ", heads);
    if (width % heads != 0)
      fail<ShapeError>("MultiheadAttention: embed_dim ", width, " is not a multiple of num_heads ", heads);
    if (options.kdim < 0 || options.vdim < 0)
      fail<ShapeError>("MultiheadAttention: negative size: kdim ", options.kdim, ", vdim ", options.vdim);
    if (!(options.dropout >= 0 && options.dropout <= 1))
      fail("MultiheadAttention: dropout ", options.dropout, " is not in [0, 1]");
    return width;
  }

  /// Sizes of a call: batch, queries, keys.
  struct Sizes {
    Index batch, n, m;
  };
  Sizes check(const Shape& query, const Shape& key, const Shape& value, const MultiheadAttentionCall<T>& call) const {
    const int dim = query.rank();
    if (dim != 2 && dim != 3)
      fail<ShapeError>("MultiheadAttention: query ", query, " must have 3 axes, or 2 without a batch");
    if (key.rank() != dim || value.rank() != dim)
      fail<ShapeError>("MultiheadAttention: key ", key, " and value ", value, " must have ", dim, " axes as query ",
                       query, " has");
    if (query[dim - 1] != embed_dim)
      fail<ShapeError>("MultiheadAttention: query ", query, " does not end in embed_dim ", embed_dim);
    if (key[dim - 1] != kdim) fail<ShapeError>("MultiheadAttention: key ", key, " does not end in kdim ", kdim);
    if (value[dim - 1] != vdim) fail<ShapeError>("MultiheadAttention: value ", value, " does not end in vdim ", vdim);
    const int length_axis = dim == 3 && batch_first ? 1 : 0, batch_axis = 1 - length_axis;
    const Sizes s{dim == 3 ? query[batch_axis] : 1, query[length_axis],
                  key[length_axis] + (call.cache ? call.cache->length : 0)};
    if (value[length_axis] != key[length_axis] || (dim == 3 && value[batch_axis] != key[batch_axis]))
      fail<ShapeError>("MultiheadAttention: key ", key, " and value ", value, " differ in length or batch");
    if (dim == 3 && key[batch_axis] != s.batch)
      fail<ShapeError>("MultiheadAttention: query ", query, " and key ", key, " differ in batch");
    check_masks(s, dim, call);
    check_lengths(s, call, call.cache);
    return s;
  }
  void check_lengths(const Sizes& s, const MultiheadAttentionCall<T>& call, const KeyValueCache<T>* cache) const {
    if (call.lengths.empty()) return;
    if (call.key_padding_mask.defined() || call.attn_mask.defined() || cache || bias_k.defined() || add_zero_attn)
      fail("MultiheadAttention: with lengths there is no mask, no cache and no added key");
    const Index all = std::accumulate(call.lengths.begin(), call.lengths.end(), Index{0});
    if (s.batch != 1 || all != s.n || all != s.m)
      fail<ShapeError>("MultiheadAttention: lengths add up to ", all, "; there are ", s.n, " queries and ", s.m,
                       " keys in a batch of ", s.batch);
    for (const Index n : call.lengths)
      if (n < 0) fail<ShapeError>("MultiheadAttention: a length is ", n);
  }
  void check_masks(const Sizes& s, int dim, const MultiheadAttentionCall<T>& call) const {
    if (call.key_padding_mask.defined()) {
      const Shape &mask = call.key_padding_mask.shape(), wanted = dim == 3 ? Shape{s.batch, s.m} : Shape{s.m};
      if (mask != wanted) fail<ShapeError>("MultiheadAttention: key_padding_mask ", mask, " must be ", wanted);
    }
    if (call.attn_mask.defined()) {
      const Shape &mask = call.attn_mask.shape(), all = {s.n, s.m}, each = {s.batch * num_heads, s.n, s.m};
      if (mask != all && mask != each)
        fail<ShapeError>("MultiheadAttention: attn_mask ", mask, " must be ", all, " or ", each);
    } else if (call.is_causal && !call.cache) {
      fail(
          "MultiheadAttention: is_causal is a hint about attn_mask, which is missing; generate_square_subsequent_mask ",
          "makes one");
    }
  }
  void check_cacheable() const {
    if (bias_k.defined() || add_zero_attn)
      fail("MultiheadAttention: a cache has no place for what add_bias_kv and add_zero_attn add");
  }

  /// x W^T + b with rows [first, last) of a packed weight's `embed_dim`s, as [batch, length, ...].
  Tensor<T> project(const Tensor<T>& x, const Tensor<T>& weight, Index first, Index last) const {
    const Index begin = first * embed_dim, end = last * embed_dim;
    const bool packed = in_proj_weight.defined(), whole = end - begin == 3 * embed_dim;
    const Tensor<T> w = packed ? gloss::detail::rows_of_weight<T>(weight, begin, end) : weight;
    const Tensor<T> b = in_proj_bias.defined() && !whole ? in_proj_bias.slice(0, begin, end) : Tensor<T>(in_proj_bias);
    const Tensor<T> y = linear(x, w, b);
    if (x.dim() == 2) return y.unsqueeze(0);
    return batch_first ? y : y.transpose(0, 1);
  }
  /// Queries, keys and values in one, two or three tensors; see multi_head_attention.
  std::vector<Tensor<T>> project(const Tensor<T>& query, const Tensor<T>& key, const Tensor<T>& value) const {
    if (!in_proj_weight.defined())
      return {project(query, q_proj_weight, 0, 1), project(key, k_proj_weight, 1, 2),
              project(value, v_proj_weight, 2, 3)};
    const Tensor<T>& w = in_proj_weight;
    if (!key.is_same(value)) return {project(query, w, 0, 1), project(key, w, 1, 2), project(value, w, 2, 3)};
    if (!query.is_same(key)) return {project(query, w, 0, 1), project(key, w, 1, 3)};
    return {project(query, w, 0, 3)};
  }

  /// x [batch, m, embed_dim] with bias_k or bias_v and a row of zeros behind it.
  Tensor<T> extended(const Tensor<T>& x, const Parameter<T>& bias) const {
    std::vector<Tensor<T>> rows = {x};
    if (bias.defined()) rows.push_back(bias.expand({x.size(0), 1, embed_dim}));
    if (add_zero_attn) rows.push_back(zeros<T>({x.size(0), 1, embed_dim}));
    return rows.size() > 1 ? cat(rows, 1) : x;
  }

  AttentionOptions<T> attention_options(const MultiheadAttentionCall<T>& call, const Sizes& s, bool weights) const {
    const Index added = (bias_k.defined() ? 1 : 0) + (add_zero_attn ? 1 : 0);  // keys that no mask hides
    AttentionOptions<T> options{.dropout = this->is_training() ? dropout : 0, .zero_empty_rows = !weights};
    Tensor<bool> hidden;
    const auto take = [&](const AttentionMask<T>& mask, const Shape& shape) {
      const auto ready = [&]<class U>(const Tensor<U>& x) {
        Tensor<U> y = x.reshape(shape);
        if (added == 0) return y;
        Shape more = shape;
        more[3] = added;
        return cat(std::vector<Tensor<U>>{y, zeros<U>(more)}, 3);
      };
      if (mask.hidden.defined()) hidden = hidden.defined() ? hidden | ready(mask.hidden) : ready(mask.hidden);
      if (mask.added.defined())
        options.bias = options.bias.defined() ? options.bias + ready(mask.added) : ready(mask.added);
    };
    const bool hint = call.is_causal && !weights && !call.key_padding_mask.defined();
    if (call.cache && (hint || !call.attn_mask.defined()))
      options.causal = true;
    else if (hint && s.n == s.m + added)
      options.causal = true;
    else if (hint)
      hidden = triu(ones<bool>({s.n, s.m + added}), 1);
    else if (call.attn_mask.defined())
      take(call.attn_mask,
           call.attn_mask.shape().rank() == 2 ? Shape{1, 1, s.n, s.m} : Shape{s.batch, num_heads, s.n, s.m});
    if (call.key_padding_mask.defined()) take(call.key_padding_mask, {s.batch, 1, 1, s.m});
    if (hidden.defined()) options.mask = !hidden;
    return options;
  }

  /// [batch, n, embed_dim] -> [batch, num_heads, n, embed_dim / num_heads], a view.
  Tensor<T> heads(const Tensor<T>& x) const { return x.unflatten(2, {num_heads, -1}).transpose(1, 2); }

  using Composed = Tensor<T> (MultiheadAttention::*)(const Tensor<T>&, const Tensor<T>&, const Tensor<T>&,
                                                     const AttentionOptions<T>&, Tensor<T>&) const;
  /// The same as the fused op, with weights that are in the graph.
  Tensor<T> composed(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v, const AttentionOptions<T>& options,
                     Tensor<T>& weights) const {
    const double d = static_cast<double>(embed_dim / num_heads);
    Tensor<T> scores = matmul(heads(q), heads(k).mT()) * (1 / std::sqrt(d));
    if (options.bias.defined()) scores = scores + options.bias;
    if (options.mask.defined()) scores = scores + where<T>(options.mask, 0, options.mask_fill);
    weights = gloss::dropout(softmax(scores, -1), options.dropout);
    return matmul(weights, heads(v)).transpose(1, 2).flatten(2, 3);
  }

  /// The attention of each of the sequences that lie one behind the other, within itself.
  Tensor<T> by_sequence(const std::vector<Tensor<T>>& projected, std::span<const Index> lengths,
                        const AttentionOptions<T>& options) const {
    std::vector<Tensor<T>> all;
    Index at = 0;
    for (const Index n : lengths) {
      std::vector<Tensor<T>> one;
      for (const Tensor<T>& x : projected) one.push_back(x.narrow(1, at, n));
      all.push_back(multi_head_attention(one, num_heads, options));
      at += n;
    }
    return cat(all, 1);
  }

  /// `composed` goes with weights: a program that does not ask for them does not compile it.
  Tensor<T> forward(const Tensor<T>& query, const Tensor<T>& key, const Tensor<T>& value,
                    const MultiheadAttentionCall<T>& call, Tensor<T>* weights = nullptr,
                    Composed compose = nullptr) const {
    const Sizes sizes = check(query.shape(), key.shape(), value.shape(), call);
    const AttentionOptions<T> options = attention_options(call, sizes, weights != nullptr);
    std::vector<Tensor<T>> projected = project(query, key, value);
    const bool in_graph =
        weights != nullptr && (options.bias.requires_grad() || projected[0].requires_grad() ||
                               projected.back().requires_grad() || projected[projected.size() / 2].requires_grad());
    if (bias_k.defined() || add_zero_attn || in_graph) {
      std::vector<Tensor<T>> qkv;  // cut into three
      for (const Tensor<T>& x : projected)
        for (Index at = 0; at < x.size(2); at += embed_dim) qkv.push_back(x.narrow(2, at, embed_dim));
      projected = {qkv[0], extended(qkv[1], bias_k), extended(qkv[2], bias_v)};
    }
    Tensor<T> y;
    if (!call.lengths.empty()) {
      if (weights) fail("MultiheadAttention: with lengths there are no weights to return");
      y = by_sequence(projected, call.lengths, options);
    } else if (call.cache) {
      check_cacheable();
      const auto part = [&](Index i) { return gloss::detail::heads_at(projected, num_heads, i); };
      y = call.cache->attend(part(0), part(1), part(2), options, weights).transpose(1, 2).flatten(2, 3);
    } else if (in_graph && is_grad_enabled())
      y = (this->*compose)(projected[0], projected[1], projected[2], options, *weights);
    else
      y = multi_head_attention(projected, num_heads, options, weights);
    return joined(query, y);
  }
  /// The last product of y [batch, n, embed_dim], with the axes that query has.
  Tensor<T> joined(const Tensor<T>& query, const Tensor<T>& y) const {
    return this->output(out_proj(query.dim() == 2 ? y.select(0, 0) : batch_first ? y : y.transpose(0, 1)));
  }
};

GLOSS_INSTANTIATE(struct MultiheadAttention<float>)
GLOSS_INSTANTIATE(struct MultiheadAttention<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
