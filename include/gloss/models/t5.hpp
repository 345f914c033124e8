// T5, with what its version 1.1 changed.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/loss.hpp>
#include <gloss/models/source_and_target.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/key_value_cache.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/positions/t5_bias.hpp>
#include <gloss/nn/rms_norm.hpp>
#include <gloss/ops/attention.hpp>
#include <gloss/ops/dropout.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in t5-small.
/// transformers: T5Config
struct T5Config {
  static constexpr std::string_view model_type = "t5";
  Index vocab_size = 32128, d_model = 512, d_kv = 64, d_ff = 2048, num_layers = 6;
  std::optional<Index> num_decoder_layers = {};  // none: num_layers
  Index num_heads = 8, relative_attention_num_buckets = 32, relative_attention_max_distance = 128;
  double dropout_rate = 0.1, layer_norm_epsilon = 1e-6, initializer_factor = 1;
  std::string feed_forward_proj = "relu";  // "gated-gelu" in version 1.1
  Index pad_token_id = 0, eos_token_id = 1, decoder_start_token_id = 0;
  bool tie_word_embeddings = true;
  std::optional<bool> scale_decoder_outputs = {};  // none: where the embeddings are tied, as it is in the first version

  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("d_model", d_model), field("d_kv", d_kv), field("d_ff", d_ff);
    field("num_layers", num_layers), field("num_decoder_layers", num_decoder_layers), field("num_heads", num_heads);
    field("relative_attention_num_buckets", relative_attention_num_buckets);
    field("relative_attention_max_distance", relative_attention_max_distance);
    field("dropout_rate", dropout_rate), field("layer_norm_epsilon", layer_norm_epsilon);
    field("initializer_factor", initializer_factor), field("feed_forward_proj", feed_forward_proj);
    field("pad_token_id", pad_token_id), field("eos_token_id", eos_token_id);
    field("decoder_start_token_id", decoder_start_token_id), field("tie_word_embeddings", tie_word_embeddings);
    field("scale_decoder_outputs", scale_decoder_outputs);
  }
  bool is_gated() const { return feed_forward_proj.starts_with("gated-"); }
  std::string activation_name() const {
    if (feed_forward_proj == "gated-gelu") return "gelu_new";
    return is_gated() ? feed_forward_proj.substr(6) : feed_forward_proj;
  }
  bool scales_outputs() const { return scale_decoder_outputs.value_or(tie_word_embeddings); }
  /// Called where the file says whether the head is the table of words, whatever config.json has.
  void decide_ties(bool tied) {
    scale_decoder_outputs = scales_outputs();
    tie_word_embeddings = tied;
  }
  void check() const {}
};

/// y = o(softmax(q k^T + bias) v), which T5 does not divide by sqrt(d_kv).
/// Shape: x [batch, n, d_model] -> the same
/// Keys: q., k., v. [num_heads d_kv, d_model], o.
template <Real T>
struct T5Attention final : nn::Module<T> {
  Index heads;
  double dropout_rate;
  nn::Linear<T> q, k, v, o;

  explicit T5Attention(const T5Config& c)
      : heads(c.num_heads),
        dropout_rate(c.dropout_rate),
        q(c.d_model, c.num_heads * c.d_kv, {.bias = false}),
        k(q),
        v(q),
        o(c.num_heads * c.d_kv, c.d_model, {.bias = false}) {
    const double d = static_cast<double>(c.d_model), kv = static_cast<double>(c.d_kv);
    nn::init::normal_(q.weight, 0, c.initializer_factor / std::sqrt(d * kv));
    nn::init::normal_(k.weight, 0, c.initializer_factor / std::sqrt(d));
    nn::init::normal_(v.weight, 0, c.initializer_factor / std::sqrt(d));
    nn::init::normal_(o.weight, 0, c.initializer_factor / std::sqrt(static_cast<double>(c.num_heads) * kv));
  }
  /// To itself. options has mask, bias and causal.
  Tensor<T> operator()(const Tensor<T>& x, const AttentionOptions<T>& options,
                       nn::KeyValueCache<T>* cache = nullptr) const {
    const Tensor<T> key = cut(k(x)), value = cut(v(x)), query = cut(q(x));
    const AttentionOptions<T> all = completed(options);
    return joined(cache ? cache->attend(query, key, value, all, nullptr)
                        : scaled_dot_product_attention(query, key, value, all));
  }
  /// To another sequence.
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& source, const AttentionOptions<T>& options) const {
    return joined(scaled_dot_product_attention(cut(q(x)), cut(k(source)), cut(v(source)), completed(options)));
  }
  void remember(const Tensor<T>& source, nn::KeyValueCache<T>& cache) const {
    cache.append(cut(k(source)), cut(v(source)));
  }
  Tensor<T> recall(const Tensor<T>& x, nn::KeyValueCache<T>& cache, const AttentionOptions<T>& options) const {
    return joined(cache.attend(cut(q(x)), completed(options)));
  }
  void visit(nn::Visitor<T>& visitor) override { visitor("q", q), visitor("k", k), visitor("v", v), visitor("o", o); }

 private:
  Tensor<T> cut(const Tensor<T>& x) const { return x.unflatten(2, {heads, -1}).transpose(1, 2); }
  AttentionOptions<T> completed(AttentionOptions<T> options) const {
    options.scale = 1;
    options.zero_empty_rows = true;
    options.dropout = this->is_training() ? dropout_rate : 0;
    return options;
  }
  Tensor<T> joined(const Tensor<T>& y) const { return this->output(o(y.transpose(1, 2).flatten(2, 3))); }
};

/// wo(dropout(act(wi x))), or gated wo(dropout(act(wi_0 x) wi_1 x)).
/// Keys: wi. or wi_0., wi_1.; wo.
template <Real T>
struct T5DenseReluDense final : nn::Module<T> {
  nn::Linear<T> wi;
  std::optional<nn::Linear<T>> wi_1;
  nn::Linear<T> wo;
  nn::FeedForwardActivation<T> act;
  double dropout_rate;

  explicit T5DenseReluDense(const T5Config& c)
      : wi(c.d_model, c.d_ff, {.bias = false}),
        wo(c.d_ff, c.d_model, {.bias = false}),
        act(activation<T>(c.activation_name())),
        dropout_rate(c.dropout_rate) {
    nn::init::normal_(wi.weight, 0, c.initializer_factor / std::sqrt(static_cast<double>(c.d_model)));
    nn::init::normal_(wo.weight, 0, c.initializer_factor / std::sqrt(static_cast<double>(c.d_ff)));
    if (!c.is_gated()) return;
    wi_1.emplace(wi);
    nn::init::normal_(wi_1->weight, 0, c.initializer_factor / std::sqrt(static_cast<double>(c.d_model)));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    const bool training = this->is_training();
    if (!wi_1) return this->output(wo(act.after(wi, x, dropout_rate, training)));
    return this->output(wo(dropout(act(wi(x)) * (*wi_1)(x), dropout_rate, training)));
  }
  void visit(nn::Visitor<T>& v) override {
    v(wi_1 ? "wi_0" : "wi", wi);
    if (wi_1) v("wi_1", *wi_1);
    v("wo", wo);
  }
};

/// x + dropout(f(norm(x))) for attention to itself, in a decoder to the source, and the feed-forward network.
/// Keys: layer.0.SelfAttention., layer.0.layer_norm.; in a decoder layer.1.EncDecAttention., layer.1.layer_norm.; last
/// layer.N.DenseReluDense., layer.N.layer_norm.
template <Real T>
struct T5Block final : nn::Module<T> {
  T5Attention<T> self_attention;
  std::optional<T5Attention<T>> source_attention;
  T5DenseReluDense<T> feed_forward;
  nn::RMSNorm<T> self_norm, feed_forward_norm;
  std::optional<nn::RMSNorm<T>> source_norm;
  double dropout_rate;

  T5Block(const T5Config& c, bool is_decoder)
      : self_attention(c),
        feed_forward(c),
        self_norm(c.d_model, {.eps = c.layer_norm_epsilon}),
        feed_forward_norm(self_norm),
        dropout_rate(c.dropout_rate) {
    if (is_decoder) source_attention.emplace(c), source_norm = self_norm;
  }
  /// source: what a decoder looks at; with a cache it is read by the first call alone.
  Tensor<T> operator()(const Tensor<T>& x, const AttentionOptions<T>& options, const Tensor<T>& source = {},
                       const Tensor<bool>& source_mask = {}, nn::DecoderLayerCache<T>* cache = nullptr) const {
    Tensor<T> y = added(x, self_attention(self_norm(x), options, cache ? &cache->self_attn : nullptr));
    if (source_attention) {
      const AttentionOptions<T> of_source{.mask = source_mask};
      if (cache && cache->memory.length == 0) source_attention->remember(source, cache->memory);
      const Tensor<T> z = (*source_norm)(y);
      y = added(
          y, cache ? source_attention->recall(z, cache->memory, of_source) : (*source_attention)(z, source, of_source));
    }
    return this->output(added(y, feed_forward(feed_forward_norm(y))));
  }
  void visit(nn::Visitor<T>& v) override {
    v("layer.0.SelfAttention", self_attention), v("layer.0.layer_norm", self_norm);
    if (source_attention) v("layer.1.EncDecAttention", *source_attention), v("layer.1.layer_norm", *source_norm);
    v(source_attention ? "layer.2.DenseReluDense" : "layer.1.DenseReluDense", feed_forward);
    v(source_attention ? "layer.2.layer_norm" : "layer.1.layer_norm", feed_forward_norm);
  }

 private:
  Tensor<T> added(const Tensor<T>& x, const Tensor<T>& y) const {
    return add_dropout(x, y, dropout_rate, this->is_training());
  }
};

/// An encoder or a decoder: its blocks, the bias of positions, which the first block has and all use, and a last norm.
/// Keys: block., final_layer_norm.
template <Real T>
struct T5Stack final : nn::Module<T> {
  using Cache = nn::ModelCache<nn::DecoderLayerCache<T>>;
  std::vector<T5Block<T>> block;
  nn::T5PositionBias<T> position_bias;
  nn::RMSNorm<T> final_layer_norm;
  bool is_decoder;
  double dropout_rate;

  T5Stack(const T5Config& c, bool decoder)
      : position_bias(c.num_heads, {.bidirectional = !decoder,
                                    .num_buckets = c.relative_attention_num_buckets,
                                    .max_distance = c.relative_attention_max_distance}),
        final_layer_norm(c.d_model, {.eps = c.layer_norm_epsilon}),
        is_decoder(decoder),
        dropout_rate(c.dropout_rate) {
    const Index layers = decoder ? c.num_decoder_layers.value_or(c.num_layers) : c.num_layers;
    for (Index i = 0; i < layers; ++i) block.emplace_back(c, decoder);
    nn::init::normal_(position_bias.weight, 0, c.initializer_factor / std::sqrt(static_cast<double>(c.d_model)));
  }
  /// mask: which of x's positions count; source and source_mask: what a decoder looks at. Masks stretch to
  /// [batch, heads, queries, keys].
  Tensor<T> operator()(const Tensor<T>& embedded, const Tensor<bool>& mask, const Tensor<T>& source = {},
                       const Tensor<bool>& source_mask = {}, Cache* cache = nullptr) const {
    const Index start = cache ? cache->length : 0, n = embedded.size(1);
    const AttentionOptions<T> options{
        .mask = mask, .bias = position_bias(n, start + n, start).unsqueeze(0), .causal = is_decoder};
    Tensor<T> x = dropout(embedded, dropout_rate, this->is_training());
    if (cache) cache->begin(block.size());
    for (std::size_t i = 0; i < block.size(); ++i)
      x = block[i](x, options, source, source_mask, cache ? &cache->layers[i] : nullptr);
    if (cache) cache->end();
    return this->output(dropout(final_layer_norm(x), dropout_rate, this->is_training()));
  }
  void visit(nn::Visitor<T>& v) override {
    v("block", block);
    v("block.0.layer.0.SelfAttention.relative_attention_bias", position_bias);
    v("final_layer_norm", final_layer_norm);
  }
};

/// From a text to a text; its tokens come from decode::greedy_search, beam_search and EncoderDecoderStepper.
/// Shape: input_ids [batch, m], decoder_input_ids [batch, n] -> scores [batch, n, vocab_size]
/// Errors: ShapeError for ids that are not [batch, length] and a mask of another shape; IndexError for an id outside
/// the vocabulary.
/// Source: Raffel et al. 2020.
/// transformers: T5ForConditionalGeneration
/// Keys: shared., encoder., decoder., lm_head., as theirs
template <Real T>
struct T5ForConditionalGeneration final : nn::Module<T> {
  using Config = T5Config;
  using Cache = typename T5Stack<T>::Cache;
  static constexpr std::string_view architecture = "T5ForConditionalGeneration";
  static constexpr std::pair<std::string_view, std::string_view> tied_tensors = {"lm_head.weight", "shared.weight"};
  T5Config config;
  nn::Embedding<T> shared;
  T5Stack<T> encoder, decoder;
  nn::Linear<T> lm_head;

  explicit T5ForConditionalGeneration(const T5Config& c)
      : config(c),
        shared(c.vocab_size, c.d_model),
        encoder(c, false),
        decoder(c, true),
        lm_head(c.d_model, c.vocab_size, {.bias = false}) {
    nn::init::normal_(shared.weight, 0, c.initializer_factor);
    nn::init::normal_(lm_head.weight, 0, c.initializer_factor);
    if (c.tie_word_embeddings) lm_head.weight.tie(shared.weight);
  }
  /// attention_mask [batch, m]: 0 for padding; all count where it is left out.
  Tensor<T> operator()(const Tensor<std::int64_t>& input_ids, const Tensor<std::int64_t>& attention_mask,
                       const Tensor<std::int64_t>& decoder_input_ids) const {
    const Tensor<bool> src_mask = source_mask("T5ForConditionalGeneration", input_ids, attention_mask);
    return this->output(generator(decode(encode(input_ids, src_mask), src_mask, decoder_input_ids)));
  }
  /// labels [batch, n]: the text that is wanted, with its end, -100 behind it; the decoder reads it shifted by one.
  Tensor<T> loss(const Tensor<std::int64_t>& input_ids, const Tensor<std::int64_t>& attention_mask,
                 const Tensor<std::int64_t>& labels) const {
    return token_loss((*this)(input_ids, attention_mask, shifted(labels)), labels);
  }
  /// What the decoder reads so that it says these labels: decoder_start_token_id, and all but the last.
  Tensor<std::int64_t> shifted(const Tensor<std::int64_t>& labels) const {
    return shifted_right("T5ForConditionalGeneration", labels, config.decoder_start_token_id, config.pad_token_id);
  }

  /// What decode::EncoderDecoderStepper calls. src_mask [batch or 1, 1, m]: true counts.
  Tensor<T> encode(const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask) const {
    check(src);
    return encoder(shared(src), over_heads(src_mask));
  }
  Tensor<T> decode(const Tensor<T>& memory, const Tensor<bool>& src_mask, const Tensor<std::int64_t>& tgt,
                   const Tensor<bool>& tgt_mask = {}, Cache* cache = nullptr) const {
    check(tgt);
    return decoder(shared(tgt), over_heads(tgt_mask), memory, over_heads(src_mask), cache);
  }
  Tensor<T> generator(const Tensor<T>& x) const {
    return lm_head(config.scales_outputs() ? x * (1 / std::sqrt(static_cast<double>(config.d_model))) : x);
  }
  void visit(nn::Visitor<T>& v) override {
    v("shared", shared), v("encoder", encoder), v("decoder", decoder), v("lm_head", lm_head);
  }
  static io::KeyMap keys() {
    return {.rules = {{{"encoder.embed_tokens.weight"}, {}},
                      {{"decoder.embed_tokens.weight"}, {}},
                      {{"decoder.block.*.layer.1.EncDecAttention.relative_attention_bias.weight"}, {}}}};
  }

 private:
  static Tensor<bool> over_heads(const Tensor<bool>& mask) { return mask.defined() ? mask.unsqueeze(1) : mask; }
  static void check(const Tensor<std::int64_t>& ids) {
    if (ids.dim() != 2) fail<ShapeError>("T5ForConditionalGeneration: ids ", ids.shape(), " must be [batch, length]");
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
