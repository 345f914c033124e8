// Llama, and Qwen 2 and 3, which are built as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/loss.hpp>
#include <gloss/models/padding.hpp>
#include <gloss/models/rope.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/key_value_cache.hpp>
#include <gloss/nn/rms_norm.hpp>
#include <gloss/nn/swiglu.hpp>
#include <gloss/ops/attention.hpp>
#include <gloss/ops/rotary.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in Llama 2 with 7 billion numbers.
/// transformers: LlamaConfig
struct LlamaConfig {
  static constexpr std::string_view model_type = "llama", architecture = "LlamaForCausalLM";
  Index vocab_size = 32000, hidden_size = 4096, intermediate_size = 11008, num_hidden_layers = 32;
  Index num_attention_heads = 32;
  std::optional<Index> num_key_value_heads = {};  // none: num_attention_heads
  std::optional<Index> head_dim = {};             // none: hidden_size / num_attention_heads
  std::string hidden_act = "silu";
  Index max_position_embeddings = 2048;
  double initializer_range = 0.02, rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false, attention_bias = false, mlp_bias = false;
  double attention_dropout = 0;
  RopeParameters rope_parameters = {};
  std::optional<double> rope_theta = {};  // both stand in rope_parameters of newer files
  std::optional<RopeParameters> rope_scaling = {};
  bool use_sliding_window = false;
  bool qkv_bias = false, qk_norm = false;  // of Qwen 2, and of Qwen 3; not in the file

  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("hidden_size", hidden_size), field("intermediate_size", intermediate_size);
    field("num_hidden_layers", num_hidden_layers), field("num_attention_heads", num_attention_heads);
    field("num_key_value_heads", num_key_value_heads), field("head_dim", head_dim), field("hidden_act", hidden_act);
    field("max_position_embeddings", max_position_embeddings), field("initializer_range", initializer_range);
    field("rms_norm_eps", rms_norm_eps), field("tie_word_embeddings", tie_word_embeddings);
    field("attention_bias", attention_bias), field("mlp_bias", mlp_bias), field("attention_dropout", attention_dropout);
    field("rope_parameters", rope_parameters), field("rope_theta", rope_theta), field("rope_scaling", rope_scaling);
    field("use_sliding_window", use_sliding_window);
  }
  Index key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  Index width_of_head() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  Rope rope() const {
    RopeParameters p = rope_scaling.value_or(rope_parameters);
    if (!p.rope_theta) p.rope_theta = rope_parameters.rope_theta;
    if (rope_theta) p.rope_theta = rope_theta;
    return Rope(p, width_of_head(), max_position_embeddings);
  }
  void decide_ties(bool tied) { tie_word_embeddings = tied; }
  /// Errors: Error for sizes that make no sense, and for what these classes are not.
  void check() const {
    const auto divides = [](Index a, Index b) { return a > 0 && b > 0 && b % a == 0; };
    if (!divides(key_value_heads(), num_attention_heads))
      fail("LlamaConfig: num_attention_heads ", num_attention_heads, " is not a multiple of num_key_value_heads ",
           key_value_heads());
    if (!head_dim && !divides(num_attention_heads, hidden_size))
      fail("LlamaConfig: hidden_size ", hidden_size, " is not a multiple of num_attention_heads ", num_attention_heads);
    if (hidden_act != "silu") fail("LlamaConfig: hidden_act ", hidden_act, ": only silu is known");
    if (use_sliding_window) fail("LlamaConfig: use_sliding_window is not known");
    rope();
  }
};
/// transformers: Qwen2Config
struct Qwen2Config : LlamaConfig {
  static constexpr std::string_view model_type = "qwen2", architecture = "Qwen2ForCausalLM";
  Qwen2Config()
      : LlamaConfig{.vocab_size = 151936,
                    .intermediate_size = 22016,
                    .num_key_value_heads = 32,
                    .max_position_embeddings = 32768,
                    .qkv_bias = true} {}
};
/// transformers: Qwen3Config
struct Qwen3Config : LlamaConfig {
  static constexpr std::string_view model_type = "qwen3", architecture = "Qwen3ForCausalLM";
  Qwen3Config()
      : LlamaConfig{.vocab_size = 151936,
                    .intermediate_size = 22016,
                    .num_key_value_heads = 32,
                    .head_dim = 128,
                    .max_position_embeddings = 32768,
                    .qk_norm = true} {}
};

/// Attention with rotary positions, where several heads of queries may share one of keys and values.
/// Shape: x [batch, n, hidden_size] -> the same
/// Keys: q_proj., k_proj., v_proj., o_proj., with qk_norm q_norm., k_norm.
template <Real T>
struct LlamaAttention final : nn::Module<T> {
  Index heads, groups, width;
  double dropout;
  nn::Linear<T> q_proj, k_proj, v_proj, o_proj;
  std::optional<nn::RMSNorm<T>> q_norm, k_norm;  // of each head, before its positions

  explicit LlamaAttention(const LlamaConfig& c)
      : heads(c.num_attention_heads),
        groups(c.key_value_heads()),
        width(c.width_of_head()),
        dropout(c.attention_dropout),
        q_proj(c.hidden_size, heads * width, {.bias = c.attention_bias || c.qkv_bias}),
        k_proj(c.hidden_size, groups * width, {.bias = c.attention_bias || c.qkv_bias}),
        v_proj(c.hidden_size, groups * width, {.bias = c.attention_bias || c.qkv_bias}),
        o_proj(heads * width, c.hidden_size, {.bias = c.attention_bias}) {
    if (c.qk_norm) q_norm.emplace(width, nn::RMSNormOptions{.eps = c.rms_norm_eps}), k_norm = q_norm;
  }
  /// kept [batch, 1, 1, positions]: which keys count; all where it is left out.
  Tensor<T> operator()(const Tensor<T>& x, const Rope::Tables<T>& rope, const Tensor<bool>& kept,
                       nn::KeyValueCache<T>* cache) const {
    const Index batch = x.size(0), n = x.size(1);
    const auto cut = [&](const Tensor<T>& y) { return y.unflatten(2, {-1, width}).transpose(1, 2); };
    Tensor<T> q = cut(q_proj(x)), k = cut(k_proj(x)), v = cut(v_proj(x));
    if (q_norm) q = (*q_norm)(q), k = (*k_norm)(k);
    q = rotary(q, rope.cosine, rope.sine), k = rotary(k, rope.cosine, rope.sine);
    AttentionOptions<T> options{
        .mask = kept, .causal = n > 1, .dropout = this->is_training() ? dropout : 0, .zero_empty_rows = true};
    Tensor<T> y;
    if (n == 1 && (cache || groups < heads)) {  // the queries of one group are rows of one attention
      q = q.reshape({batch, groups, heads / groups, width});
      y = cache ? cache->attend(q, k, v, options, nullptr) : scaled_dot_product_attention(q, k, v, options);
      y = y.reshape({batch, 1, heads * width});
    } else {
      if (cache) {
        const auto [all_k, all_v] = cache->append(k, v);
        k = all_k, v = all_v;
      }
      if (groups < heads) k = repeated(k), v = repeated(v);
      y = scaled_dot_product_attention(q, k, v, options).transpose(1, 2).flatten(2, 3);
    }
    return this->output(o_proj(y));
  }
  void visit(nn::Visitor<T>& v) override {
    v("q_proj", q_proj), v("k_proj", k_proj), v("v_proj", v_proj), v("o_proj", o_proj);
    if (q_norm) v("q_norm", *q_norm), v("k_norm", *k_norm);
  }

 private:
  /// Each head as often as there are queries for it.
  Tensor<T> repeated(const Tensor<T>& x) const {
    const Index m = x.size(2);
    return x.unsqueeze(2).expand({x.size(0), groups, heads / groups, m, width}).reshape({x.size(0), heads, m, width});
  }
};

/// z = x + self_attn(input_layernorm(x)), y = z + mlp(post_attention_layernorm(z)).
/// Keys: input_layernorm., self_attn., post_attention_layernorm., mlp.
template <Real T>
struct LlamaDecoderLayer final : nn::Module<T> {
  LlamaAttention<T> self_attn;
  nn::SwiGLU<T> mlp;
  nn::RMSNorm<T> input_layernorm, post_attention_layernorm;

  explicit LlamaDecoderLayer(const LlamaConfig& c)
      : self_attn(c),
        mlp(c.hidden_size, c.intermediate_size, {.bias = c.mlp_bias}),
        input_layernorm(c.hidden_size, {.eps = c.rms_norm_eps}),
        post_attention_layernorm(input_layernorm) {}
  Tensor<T> operator()(const Tensor<T>& x, const Rope::Tables<T>& rope, const Tensor<bool>& kept,
                       nn::KeyValueCache<T>* cache) const {
    const Tensor<T> z = x + self_attn(input_layernorm(x), rope, kept, cache);
    return this->output(z + mlp(post_attention_layernorm(z)));
  }
  void visit(nn::Visitor<T>& v) override {
    v("self_attn", self_attn), v("mlp", mlp), v("input_layernorm", input_layernorm);
    v("post_attention_layernorm", post_attention_layernorm);
  }
};

/// The layers between the ids and the scores.
/// Keys: embed_tokens., layers., norm.
template <Real T>
struct LlamaModel final : nn::Module<T> {
  using Cache = nn::ModelCache<nn::KeyValueCache<T>>;
  Rope rope;
  nn::Embedding<T> embed_tokens;
  std::vector<LlamaDecoderLayer<T>> layers;
  nn::RMSNorm<T> norm;

  explicit LlamaModel(const LlamaConfig& c)
      : rope(c.rope()),
        embed_tokens(c.vocab_size, c.hidden_size),
        layers(nn::repeated(c.num_hidden_layers, [&] { return LlamaDecoderLayer<T>(c); })),
        norm(c.hidden_size, {.eps = c.rms_norm_eps}) {}
  /// For the ids behind those in the cache; without one, for all. attention_mask [batch, cached + n]: 0 for padding.
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, Cache* cache = nullptr,
                       const Tensor<std::int64_t>& attention_mask = {}) const {
    const Index start = cache ? cache->length : 0;
    const Tensor<bool> kept = kept_keys("LlamaModel", ids, start, attention_mask);
    const Rope::Tables<T> tables = rope.tables<T>(start, ids.size(1));
    Tensor<T> x = embed_tokens(ids);
    if (cache) cache->begin(layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) x = layers[i](x, tables, kept, cache ? &cache->layers[i] : nullptr);
    if (cache) cache->end();
    return this->output(norm(x));
  }
  void visit(nn::Visitor<T>& v) override { v("embed_tokens", embed_tokens), v("layers", layers), v("norm", norm); }
};

/// A model that continues a text; its tokens come from decode::CausalStepper.
/// Shape: ids [batch, n] -> scores of the next token behind each, [batch, n, vocab_size]
/// Errors: ShapeError for ids that are not [batch, n] and a mask of another shape; IndexError for an id outside the
/// vocabulary.
/// Source: Touvron et al. 2023; Qwen2 and Qwen3 technical reports.
/// transformers: LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM
/// Keys: model., lm_head., as theirs
template <Real T, class ConfigOf = LlamaConfig>
struct LlamaForCausalLM final : nn::Module<T> {
  using Config = ConfigOf;
  using Cache = typename LlamaModel<T>::Cache;
  static constexpr std::string_view architecture = Config::architecture;
  static constexpr std::pair<std::string_view, std::string_view> tied_tensors = {"lm_head.weight",
                                                                                 "embed_tokens.weight"};
  Config config;
  LlamaModel<T> model;
  nn::Linear<T> lm_head;

  explicit LlamaForCausalLM(const Config& c)
      : config((c.check(), c)), model(c), lm_head(c.hidden_size, c.vocab_size, {.bias = false}) {
    init_normal_(*this, c.initializer_range);
    if (c.tie_word_embeddings) lm_head.weight.tie(model.embed_tokens.weight);
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& attention_mask = {}) const {
    return this->output(lm_head(model(ids, nullptr, attention_mask)));
  }
  /// How well each token follows from those before it: labels are the ids themselves, -100 where none counts.
  Tensor<T> loss(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& labels,
                 const Tensor<std::int64_t>& attention_mask = {}) const {
    return next_token_loss((*this)(ids, attention_mask), labels);
  }
  /// What decode::CausalStepper calls. With a mask [batch, cached + n], 0 for padding before a text, positions count
  /// the padding, too: only how far they are apart matters.
  Tensor<T> decode(const Tensor<std::int64_t>& ids, Cache* cache = nullptr,
                   const Tensor<std::int64_t>& attention_mask = {}) const {
    return model(ids, cache, attention_mask);
  }
  Tensor<T> generator(const Tensor<T>& x) const { return lm_head(x); }
  void visit(nn::Visitor<T>& v) override { v("model", model), v("lm_head", lm_head); }
  static io::KeyMap keys() { return {.rules = {{{"**.rotary_emb.inv_freq"}, {}}}}; }
};
template <Real T>
using Qwen2ForCausalLM = LlamaForCausalLM<T, Qwen2Config>;
template <Real T>
using Qwen3ForCausalLM = LlamaForCausalLM<T, Qwen3Config>;

}  // namespace gloss::inline GLOSS_ABI::models
