// GPT-2.
#pragma once

#include <cmath>
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
#include <gloss/nn/clones.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/key_value_cache.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/multi_head_attention.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in GPT-2's smallest.
/// transformers: GPT2Config
struct Gpt2Config {
  static constexpr std::string_view model_type = "gpt2";
  Index vocab_size = 50257, n_positions = 1024, n_embd = 768, n_layer = 12, n_head = 12;
  std::optional<Index> n_inner = {};  // none: 4 n_embd
  std::string activation_function = "gelu_new";
  double resid_pdrop = 0.1, embd_pdrop = 0.1, attn_pdrop = 0.1;
  double layer_norm_epsilon = 1e-5, initializer_range = 0.02;
  bool scale_attn_weights = true, scale_attn_by_inverse_layer_idx = false;
  bool add_cross_attention = false, tie_word_embeddings = true;

  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("n_positions", n_positions), field("n_embd", n_embd);
    field("n_layer", n_layer), field("n_head", n_head), field("n_inner", n_inner);
    field("activation_function", activation_function), field("resid_pdrop", resid_pdrop);
    field("embd_pdrop", embd_pdrop), field("attn_pdrop", attn_pdrop), field("layer_norm_epsilon", layer_norm_epsilon);
    field("initializer_range", initializer_range), field("scale_attn_weights", scale_attn_weights);
    field("scale_attn_by_inverse_layer_idx", scale_attn_by_inverse_layer_idx);
    field("add_cross_attention", add_cross_attention), field("tie_word_embeddings", tie_word_embeddings);
  }
  void decide_ties(bool tied) { tie_word_embeddings = tied; }
  /// Errors: Error for sizes that make no sense, and for what this class is not.
  void check() const {
    if (n_head <= 0 || n_embd % n_head != 0)
      fail("Gpt2Config: n_embd ", n_embd, " is not a multiple of n_head ", n_head);
    if (add_cross_attention) fail("Gpt2Config: add_cross_attention is not known");
  }
};

/// y = c_proj(attention of c_attn(x)), each position over those up to its own; scores are divided by sqrt(width of a
/// head), by the number of the layer, counted from 1, by both or by neither.
/// Shape: x [batch, n, n_embd] -> the same
/// Keys: c_attn. [3 n_embd, n_embd], c_proj.; theirs are turned
template <Real T>
struct Gpt2Attention final : nn::Module<T> {
  Index heads;
  double scale, attn_dropout;
  nn::Linear<T> c_attn, c_proj;

  Gpt2Attention(const Gpt2Config& c, Index layer)
      : heads(c.n_head),
        scale((c.scale_attn_weights ? 1 / std::sqrt(static_cast<double>(c.n_embd / c.n_head)) : 1) /
              (c.scale_attn_by_inverse_layer_idx ? static_cast<double>(layer + 1) : 1)),
        attn_dropout(c.attn_pdrop),
        c_attn(c.n_embd, 3 * c.n_embd),
        c_proj(c.n_embd, c.n_embd) {}
  /// kept [batch, 1, 1, positions]: which keys count; all where it is left out.
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<bool>& kept, nn::KeyValueCache<T>* cache) const {
    const std::vector<Tensor<T>> qkv = {c_attn(x)};
    const AttentionOptions<T> options{.mask = kept,
                                      .causal = true,
                                      .dropout = this->is_training() ? attn_dropout : 0,
                                      .scale = scale,
                                      .zero_empty_rows = true};
    if (!cache) return this->output(c_proj(multi_head_attention(qkv, heads, options)));
    const auto part = [&](Index i) { return gloss::detail::heads_at(qkv, heads, i); };
    const Tensor<T> y = cache->attend(part(0), part(1), part(2), options, nullptr);
    return this->output(c_proj(y.transpose(1, 2).flatten(2, 3)));
  }
  void visit(nn::Visitor<T>& v) override { v("c_attn", c_attn), v("c_proj", c_proj); }
};

/// y = c_proj(act(c_fc(x))).
/// Keys: c_fc., c_proj.; theirs are turned
template <Real T>
struct Gpt2Mlp final : nn::Module<T> {
  nn::Linear<T> c_fc, c_proj;
  nn::FeedForwardActivation<T> act;

  explicit Gpt2Mlp(const Gpt2Config& c)
      : c_fc(c.n_embd, c.n_inner.value_or(4 * c.n_embd)),
        c_proj(c.n_inner.value_or(4 * c.n_embd), c.n_embd),
        act(activation<T>(c.activation_function)) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(c_proj(act.after(c_fc, x, 0, false))); }
  void visit(nn::Visitor<T>& v) override { v("c_fc", c_fc), v("c_proj", c_proj); }
};

/// z = x + dropout(attn(ln_1(x))), y = z + dropout(mlp(ln_2(z))).
/// Keys: ln_1., attn., ln_2., mlp.
template <Real T>
struct Gpt2Block final : nn::Module<T> {
  nn::LayerNorm<T> ln_1, ln_2;
  Gpt2Attention<T> attn;
  Gpt2Mlp<T> mlp;
  double resid_dropout;

  Gpt2Block(const Gpt2Config& c, Index layer)
      : ln_1(c.n_embd, {.eps = c.layer_norm_epsilon}),
        ln_2(ln_1),
        attn(c, layer),
        mlp(c),
        resid_dropout(c.resid_pdrop) {}
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<bool>& kept, nn::KeyValueCache<T>* cache) const {
    const bool training = this->is_training();
    const Tensor<T> z = add_dropout(x, attn(ln_1(x), kept, cache), resid_dropout, training);
    return this->output(add_dropout(z, mlp(ln_2(z)), resid_dropout, training));
  }
  void visit(nn::Visitor<T>& v) override { v("ln_1", ln_1), v("attn", attn), v("ln_2", ln_2), v("mlp", mlp); }
};

/// Words and positions, the blocks, and a last norm.
/// Shape: ids [batch, n] -> [batch, n, n_embd]
/// Errors: ShapeError for ids that are not [batch, n] or go beyond n_positions, and a mask of another shape; IndexError
/// for an id outside the vocabulary.
/// Source: Radford et al. 2019.
/// transformers: GPT2Model
/// Keys: wte., wpe., h., ln_f.
template <Real T>
struct Gpt2Model final : nn::Module<T> {
  using Cache = nn::ModelCache<nn::KeyValueCache<T>>;
  nn::Embedding<T> wte, wpe;
  double embd_dropout;
  std::vector<Gpt2Block<T>> h;
  nn::LayerNorm<T> ln_f;

  explicit Gpt2Model(const Gpt2Config& c)
      : wte(c.vocab_size, c.n_embd),
        wpe(c.n_positions, c.n_embd),
        embd_dropout(c.embd_pdrop),
        ln_f(c.n_embd, {.eps = c.layer_norm_epsilon}) {
    for (Index layer = 0; layer < c.n_layer; ++layer) h.emplace_back(c, layer);
  }
  /// For the ids behind those in the cache; without one, for all. attention_mask [batch, cached + n]: 0 for padding.
  /// position_ids [batch, n]: those that follow, where it is left out.
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, Cache* cache = nullptr,
                       const Tensor<std::int64_t>& attention_mask = {},
                       const Tensor<std::int64_t>& position_ids = {}) const {
    const Index start = cache ? cache->length : 0, most = wpe.weight.size(0);
    const Tensor<bool> kept = kept_keys("Gpt2Model", ids, start, attention_mask);
    const Index n = ids.size(1);
    if (start + n > most) fail<ShapeError>("Gpt2Model: ", start + n, " positions go beyond n_positions ", most);
    const Tensor<T> places = position_ids.defined() ? wpe(position_ids) : wpe.weight.narrow(0, start, n);
    Tensor<T> x = dropout(wte(ids) + places, embd_dropout, this->is_training());
    if (cache) cache->begin(h.size());
    for (std::size_t i = 0; i < h.size(); ++i) x = h[i](x, kept, cache ? &cache->layers[i] : nullptr);
    if (cache) cache->end();
    return this->output(ln_f(x));
  }
  void visit(nn::Visitor<T>& v) override { v("wte", wte), v("wpe", wpe), v("h", h), v("ln_f", ln_f); }
};

/// GPT-2 with its head; its tokens come from decode::CausalStepper.
/// Shape: ids [batch, n] -> scores of the next token behind each, [batch, n, vocab_size]
/// Errors: as Gpt2Model.
/// transformers: GPT2LMHeadModel
/// Keys: transformer., lm_head.; theirs: keys()
template <Real T>
struct Gpt2LMHeadModel final : nn::Module<T> {
  using Config = Gpt2Config;
  using Cache = typename Gpt2Model<T>::Cache;
  static constexpr std::string_view architecture = "GPT2LMHeadModel";
  static constexpr std::pair<std::string_view, std::string_view> tied_tensors = {"lm_head.weight", "wte.weight"};
  Gpt2Config config;
  Gpt2Model<T> transformer;
  nn::Linear<T> lm_head;

  explicit Gpt2LMHeadModel(const Gpt2Config& c)
      : config((c.check(), c)), transformer(c), lm_head(c.n_embd, c.vocab_size, {.bias = false}) {
    init_normal_(*this, c.initializer_range);
    // what is added to the residual, 2 n_layer times, begins smaller
    const double std = c.initializer_range / std::sqrt(2 * static_cast<double>(c.n_layer));
    for (const auto& block : transformer.h) {
      nn::init::normal_(block.attn.c_proj.weight, 0, std);
      nn::init::normal_(block.mlp.c_proj.weight, 0, std);
    }
    if (c.tie_word_embeddings) lm_head.weight.tie(transformer.wte.weight);
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& attention_mask = {}) const {
    return this->output(lm_head(transformer(ids, nullptr, attention_mask)));
  }
  /// How well each token follows from those before it: labels are the ids themselves, -100 where none counts.
  Tensor<T> loss(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& labels,
                 const Tensor<std::int64_t>& attention_mask = {}) const {
    return next_token_loss((*this)(ids, attention_mask), labels);
  }
  /// What decode::CausalStepper calls. With a mask [batch, cached + n], 0 for padding, positions count what is none.
  Tensor<T> decode(const Tensor<std::int64_t>& ids, Cache* cache = nullptr,
                   const Tensor<std::int64_t>& attention_mask = {}) const {
    if (!attention_mask.defined()) return transformer(ids, cache);
    return transformer(ids, cache, attention_mask, positions_without_padding(attention_mask, ids.size(1)));
  }
  Tensor<T> generator(const Tensor<T>& x) const { return lm_head(x); }
  void visit(nn::Visitor<T>& v) override { v("transformer", transformer), v("lm_head", lm_head); }

  /// Matrices of the files are [in, out], and the causal mask may be stored as well; names may lack "transformer.".
  static io::KeyMap keys() {
    const std::string block = "transformer.h.*.";
    const auto turned = [&](const char* part) {
      return io::KeyRule{{block + part + ".*"}, {block + part + ".*"}, io::KeyLayout::transposed};
    };
    return {.rules = {{{block + "attn.bias"}, {}},
                      {{block + "attn.masked_bias"}, {}},
                      turned("attn.c_attn"),
                      turned("attn.c_proj"),
                      turned("mlp.c_fc"),
                      turned("mlp.c_proj"),
                      {{"lm_head.weight"}, {"lm_head.weight"}},
                      {{"transformer.**"}, {"transformer.**"}}},
            .optional_prefix = "transformer."};
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
