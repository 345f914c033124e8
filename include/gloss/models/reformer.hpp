// Reformer; with heads: reformer_heads.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/chunked_attention.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/padding.hpp>
#include <gloss/models/reversible.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/sqrt.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in transformers.
/// transformers: ReformerConfig
struct ReformerConfig {
  static constexpr std::string_view model_type = "reformer";
  Index vocab_size = 320, hidden_size = 256, attention_head_size = 64, num_attention_heads = 12;
  Index feed_forward_size = 512;
  std::vector<std::string> attn_layers = {"local", "lsh", "local", "lsh", "local", "lsh"};
  Index local_attn_chunk_length = 64, local_num_chunks_before = 1, local_num_chunks_after = 0;
  Index lsh_attn_chunk_length = 64, lsh_num_chunks_before = 1, lsh_num_chunks_after = 0;
  Index num_hashes = 1;
  std::vector<Index> num_buckets = {};  // one number or several factors; none: from the length of each text
  std::optional<Index> hash_seed = {};  // the same directions in each layer and each call
  bool axial_pos_embds = true;
  std::vector<Index> axial_pos_shape = {64, 64}, axial_pos_embds_dim = {64, 192};
  Index max_position_embeddings = 4096;
  Index chunk_size_feed_forward = 0, chunk_size_lm_head = 0;  // positions at a time; 0: all
  std::string hidden_act = "relu";
  double hidden_dropout_prob = 0.05, local_attention_probs_dropout_prob = 0.05, lsh_attention_probs_dropout_prob = 0;
  double layer_norm_eps = 1e-12, initializer_range = 0.02, axial_norm_std = 1;
  bool is_decoder = false;
  Index pad_token_id = 0;

  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("hidden_size", hidden_size);
    field("attention_head_size", attention_head_size), field("num_attention_heads", num_attention_heads);
    field("feed_forward_size", feed_forward_size), field("attn_layers", attn_layers);
    field("local_attn_chunk_length", local_attn_chunk_length);
    field("local_num_chunks_before", local_num_chunks_before), field("local_num_chunks_after", local_num_chunks_after);
    field("lsh_attn_chunk_length", lsh_attn_chunk_length), field("lsh_num_chunks_before", lsh_num_chunks_before);
    field("lsh_num_chunks_after", lsh_num_chunks_after), field("num_hashes", num_hashes);
    field("num_buckets", num_buckets), field("hash_seed", hash_seed), field("axial_pos_embds", axial_pos_embds);
    field("axial_pos_shape", axial_pos_shape), field("axial_pos_embds_dim", axial_pos_embds_dim);
    field("max_position_embeddings", max_position_embeddings);
    field("chunk_size_feed_forward", chunk_size_feed_forward), field("chunk_size_lm_head", chunk_size_lm_head);
    field("hidden_act", hidden_act), field("hidden_dropout_prob", hidden_dropout_prob);
    field("local_attention_probs_dropout_prob", local_attention_probs_dropout_prob);
    field("lsh_attention_probs_dropout_prob", lsh_attention_probs_dropout_prob);
    field("layer_norm_eps", layer_norm_eps), field("initializer_range", initializer_range);
    field("axial_norm_std", axial_norm_std), field("is_decoder", is_decoder), field("pad_token_id", pad_token_id);
  }
  bool has(std::string_view kind) const {
    for (const std::string& layer : attn_layers)
      if (layer == kind) return true;
    return false;
  }
  /// Errors: Error for sizes that make no sense.
  void check() const {
    const auto at_least = [](Index least, const char* name, Index n) {
      if (n < least) fail("ReformerConfig: ", name, " ", n, " is less than ", least);
    };
    at_least(1, "vocab_size", vocab_size), at_least(1, "hidden_size", hidden_size);
    at_least(1, "attention_head_size", attention_head_size), at_least(1, "num_attention_heads", num_attention_heads);
    at_least(1, "feed_forward_size", feed_forward_size), at_least(1, "num_hashes", num_hashes);
    at_least(1, "local_attn_chunk_length", local_attn_chunk_length);
    at_least(1, "lsh_attn_chunk_length", lsh_attn_chunk_length);
    at_least(0, "local_num_chunks_before", local_num_chunks_before);
    at_least(0, "local_num_chunks_after", local_num_chunks_after);
    at_least(0, "lsh_num_chunks_before", lsh_num_chunks_before);
    at_least(0, "lsh_num_chunks_after", lsh_num_chunks_after);
    at_least(0, "chunk_size_feed_forward", chunk_size_feed_forward);
    at_least(0, "chunk_size_lm_head", chunk_size_lm_head);
    at_least(1, "max_position_embeddings", max_position_embeddings);
    if (attn_layers.empty()) fail("ReformerConfig: attn_layers is empty");
    for (const std::string& layer : attn_layers)
      if (layer != "lsh" && layer != "local")
        fail("ReformerConfig: attn_layers: '", layer, "' is neither lsh nor local");
    for (const Index factor : num_buckets)
      if (factor < 2 || factor % 2 != 0) fail("ReformerConfig: num_buckets ", factor, " is not positive and even");
    if (!axial_pos_embds) return;
    if (axial_pos_shape.size() != 2 || axial_pos_embds_dim.size() != 2)
      fail("ReformerConfig: axial_pos_shape and axial_pos_embds_dim must have two numbers each");
    for (const Index n : axial_pos_shape) at_least(1, "axial_pos_shape", n);
    for (const Index n : axial_pos_embds_dim) at_least(0, "axial_pos_embds_dim", n);
    if (axial_pos_embds_dim[0] + axial_pos_embds_dim[1] != hidden_size)
      fail("ReformerConfig: axial_pos_embds_dim ", axial_pos_embds_dim[0], " + ", axial_pos_embds_dim[1],
           " is not hidden_size ", hidden_size);
  }
  /// Into how many buckets the positions of a text of n are hashed: about two for each chunk, a power of 2, as two
  /// factors where that would be many.
  std::vector<Index> buckets_for(Index n) const {
    if (!num_buckets.empty()) return num_buckets;
    const Index wanted = 2 * (n / lsh_attn_chunk_length);
    int power = 0;
    while (Index{2} << power <= wanted) ++power;
    const auto root =
        static_cast<Index>(std::sqrt(static_cast<double>(max_position_embeddings / lsh_attn_chunk_length)));
    const Index limit = 2 * (std::max)(root, lsh_attn_chunk_length);
    if (Index{1} << power <= limit) return {Index{1} << power};
    return {Index{1} << power / 2, Index{1} << (power - power / 2)};
  }
  /// The length that a text of n is padded to: a multiple of the chunks of all layers, unless it fits into one.
  Index padded(Index n) const {
    const Index lsh = has("lsh") ? lsh_attn_chunk_length : local_attn_chunk_length;
    const Index local = has("local") ? local_attn_chunk_length : lsh, all = std::lcm(lsh, local);
    return n <= (std::min)(lsh, local) ? n : (n + all - 1) / all * all;
  }
};

/// f of `size` positions at a time, of all where it is 0.
template <Real T, class F>
Tensor<T> in_chunks(const F& f, const Tensor<T>& x, Index size) {
  const Index n = x.size(1);
  if (size == 0 || size >= n) return f(x);
  std::vector<Tensor<T>> parts;
  for (Index at = 0; at < n; at += size) parts.push_back(f(x.narrow(1, at, (std::min)(size, n - at))));
  return cat(parts, 1);
}

/// What all layers are told of a text.
template <Real T>
struct ReformerText {
  Tensor<bool> kept = {};    // [batch, n]: which positions count; all where it is undefined
  Tensor<T> rotations = {};  // of the hashes; drawn where it is undefined
};

/// Attention without biases. "local": q, k and v of the text, in chunks of it. "lsh": one matrix makes q and, made as
/// long as all others, k; chunks are of positions that have similar q. Scores are divided by sqrt(width of a head), in
/// lsh with k of length sqrt(width). A text that fits into a chunk is one.
/// Shape: x [batch, n, hidden_size] -> [batch, n, heads width]
/// transformers: LocalSelfAttention, LSHSelfAttention
/// Keys: query., key., value. or query_key., value. [heads width, hidden_size]
template <Real T>
struct ReformerSelfAttention final : nn::Module<T> {
  ReformerConfig config;
  bool is_lsh;
  nn::Linear<T> query;
  std::optional<nn::Linear<T>> key;
  nn::Linear<T> value;

  ReformerSelfAttention(const ReformerConfig& c, std::size_t layer)
      : config(c),
        is_lsh(c.attn_layers[layer] == "lsh"),
        query(c.hidden_size, c.num_attention_heads * c.attention_head_size, {.bias = false}),
        value(c.hidden_size, c.num_attention_heads * c.attention_head_size, {.bias = false}) {
    if (!is_lsh) key.emplace(c.hidden_size, c.num_attention_heads * c.attention_head_size, nn::LinearOptions{false});
  }
  /// The order of the positions in the chunks, round by round: [batch, heads, rounds n].
  /// Errors: ShapeError for rotations of another shape than is wanted.
  Tensor<std::int64_t> order(const Tensor<T>& x, const ReformerText<T>& text) const {
    const Index batch = x.size(0), heads = config.num_attention_heads, n = x.size(1);
    if (!is_lsh || n <= config.lsh_attn_chunk_length) return arange<std::int64_t>(n).expand({batch, heads, n}).clone();
    const std::vector<Index> factors = config.buckets_for(n);
    Index directions = 0, buckets = 1;
    for (const Index factor : factors) directions += factor / 2, buckets *= factor;
    const Shape shape{heads, config.attention_head_size, config.num_hashes, directions};
    Tensor<T> rotations = text.rotations;
    if (!rotations.defined()) {
      Rng seeded(static_cast<std::uint64_t>(config.hash_seed.value_or(0)));
      const RngGuard draw(config.hash_seed ? seeded : current_rng());
      rotations = randn<T>(shape);
    }
    if (rotations.shape() != shape)
      fail<ShapeError>("ReformerModel: rotations ", rotations.shape(), " must be ", shape);
    return bucket_order(lsh_buckets(cut(query(x)), rotations, factors, text.kept), buckets + 1);
  }
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<std::int64_t>& order, const Tensor<bool>& kept) const {
    const Index n = x.size(1), length = is_lsh ? config.lsh_attn_chunk_length : config.local_attn_chunk_length;
    const double p = is_lsh ? config.lsh_attention_probs_dropout_prob : config.local_attention_probs_dropout_prob;
    ChunkedAttentionOptions options{.chunk_length = n,
                                    .chunks_before = 0,
                                    .causal = config.is_decoder,
                                    .shuns_itself = is_lsh,
                                    .dropout = this->is_training() ? p : 0};
    if (n > length) {
      options.chunk_length = length;
      options.chunks_before = is_lsh ? config.lsh_num_chunks_before : config.local_num_chunks_before;
      options.chunks_after = is_lsh ? config.lsh_num_chunks_after : config.local_num_chunks_after;
    }
    const double scale = 1 / std::sqrt(static_cast<double>(config.attention_head_size));
    const Tensor<T> q = cut(query(x));
    const Tensor<T> k = key ? cut((*key)(x)) : q / sqrt(mean(q * q, -1, {.keepdim = true}) + 1e-6);
    const Tensor<T> y = chunked_attention(q, k * scale, cut(value(x)), order, kept, options);
    return this->output(y.transpose(1, 2).flatten(2, 3));
  }
  void visit(nn::Visitor<T>& v) override {
    v(is_lsh ? "query_key" : "query", query);
    if (key) v("key", *key);
    v("value", value);
  }

 private:
  Tensor<T> cut(const Tensor<T>& x) const { return x.unflatten(2, {config.num_attention_heads, -1}).transpose(1, 2); }
};

/// f(x) = dropout(W attention(norm(x))), g(x) = dropout(W2 act(dropout(W1 norm(x)))), in chunks: the two halves of a
/// reversible layer.
/// transformers: ReformerLayer
/// Keys: attention.layer_norm., attention.self_attention., attention.output.dense.; feed_forward.layer_norm.,
/// feed_forward.dense.dense. [feed_forward_size, hidden_size], feed_forward.output.dense.
template <Real T>
struct ReformerLayer final : nn::Module<T> {
  nn::LayerNorm<T> attention_norm;
  ReformerSelfAttention<T> self_attention;
  nn::Linear<T> attention_output;
  nn::LayerNorm<T> feed_forward_norm;
  nn::Linear<T> up, down;
  nn::FeedForwardActivation<T> act;
  Index chunk_size;
  double dropout_rate;

  ReformerLayer(const ReformerConfig& c, std::size_t layer)
      : attention_norm(c.hidden_size, {.eps = c.layer_norm_eps}),
        self_attention(c, layer),
        attention_output(c.num_attention_heads * c.attention_head_size, c.hidden_size, {.bias = false}),
        feed_forward_norm(attention_norm),
        up(c.hidden_size, c.feed_forward_size),
        down(c.feed_forward_size, c.hidden_size),
        act(activation<T>(c.hidden_act)),
        chunk_size(c.chunk_size_feed_forward),
        dropout_rate(c.hidden_dropout_prob) {}
  struct Plan {
    Tensor<std::int64_t> order;
    Tensor<bool> kept;
  };
  Plan plan(const Tensor<T>& x, const ReformerText<T>& text) const {
    return {self_attention.order(attention_norm(x), text), text.kept};
  }
  Tensor<T> f(const Tensor<T>& x, const Plan& plan) const {
    return dropped(attention_output(self_attention(attention_norm(x), plan.order, plan.kept)));
  }
  Tensor<T> g(const Tensor<T>& x) const {
    return in_chunks([&](const Tensor<T>& part) { return dropped(down(act(dropped(up(feed_forward_norm(part)))))); }, x,
                     chunk_size);
  }
  void visit(nn::Visitor<T>& v) override {
    v("attention.layer_norm", attention_norm), v("attention.self_attention", self_attention);
    v("attention.output.dense", attention_output), v("feed_forward.layer_norm", feed_forward_norm);
    v("feed_forward.dense.dense", up), v("feed_forward.output.dense", down);
  }

 private:
  Tensor<T> dropped(const Tensor<T>& x) const { return dropout(x, dropout_rate, this->is_training()); }
};

/// Words and positions. With axial positions, that of i = row columns + column is two vectors side by side, one of its
/// row and one of its column.
/// Shape: ids [batch, n] -> [batch, n, hidden_size]
/// transformers: ReformerEmbeddings
/// Keys: word_embeddings.; position_embeddings.weights.0 [rows, 1, d0] and .1 [1, columns, d1], or
/// position_embeddings.embedding.
template <Real T>
struct ReformerEmbeddings final : nn::Module<T> {
  nn::Embedding<T> word_embeddings;
  std::optional<nn::Embedding<T>> positions;
  nn::Parameter<T> of_rows, of_columns;
  double dropout_rate;

  explicit ReformerEmbeddings(const ReformerConfig& c)
      : word_embeddings(c.vocab_size, c.hidden_size), dropout_rate(c.hidden_dropout_prob) {
    if (!c.axial_pos_embds) {
      positions.emplace(c.max_position_embeddings, c.hidden_size);
      return;
    }
    const T std = static_cast<T>(c.axial_norm_std);
    of_rows = nn::Parameter<T>(randn<T>({c.axial_pos_shape[0], 1, c.axial_pos_embds_dim[0]}, T{0}, std));
    of_columns = nn::Parameter<T>(randn<T>({1, c.axial_pos_shape[1], c.axial_pos_embds_dim[1]}, T{0}, std));
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids) const {
    const bool training = this->is_training();
    const Tensor<T> words = dropout(word_embeddings(ids), dropout_rate, training);
    const Index batch = ids.size(0), n = ids.size(1);
    if (positions)
      return this->output(words + dropout(positions->weight.narrow(0, 0, n).unsqueeze(0).expand({batch, n, -1}),
                                          dropout_rate, training));
    const Index columns = of_columns.size(1), rows = (n + columns - 1) / columns;
    Tensor<T> table =
        cat<T>({of_rows.narrow(0, 0, rows).expand({rows, columns, -1}), of_columns.expand({rows, columns, -1})}, -1);
    if (training && dropout_rate > 0)  // whole columns are dropped
      table = table * dropout(ones<T>({batch, 1, columns, 1}), dropout_rate);
    return this->output(words + table.flatten(-3, -2).narrow(-2, 0, n));
  }
  void visit(nn::Visitor<T>& v) override {
    v("word_embeddings", word_embeddings);
    if (positions) v("position_embeddings.embedding", *positions);
    v("position_embeddings.weights.0", of_rows), v("position_embeddings.weights.1", of_columns);
  }
};

/// The reversible layers, both states of which begin as the embeddings, and a norm over the two side by side. Training
/// keeps the last states and computes the others again (reversible).
/// Shape: ids [batch, n] -> [batch, n, 2 hidden_size]
/// Errors: ShapeError for ids that are not [batch, n] or go beyond the positions, a mask of another shape and rotations
/// of another shape; IndexError for an id outside the vocabulary; GradError as reversible.
/// Source: Kitaev et al. 2020.
/// transformers: ReformerModel
/// Keys: embeddings., encoder.layers., encoder.layer_norm.
template <Real T>
struct ReformerModel final : nn::Module<T> {
  using Config = ReformerConfig;
  static constexpr std::string_view architecture = "ReformerModel";
  ReformerConfig config;
  ReformerEmbeddings<T> embeddings;
  std::vector<ReformerLayer<T>> layers;
  nn::LayerNorm<T> layer_norm;
  Tensor<T> rotations = {};  // [heads, width, num_hashes, sum of num_buckets / 2] of all layers; undefined: drawn anew

  explicit ReformerModel(const ReformerConfig& c)
      : config((c.check(), c)), embeddings(c), layer_norm(2 * c.hidden_size, {.eps = c.layer_norm_eps}) {
    for (std::size_t i = 0; i < c.attn_layers.size(); ++i) layers.emplace_back(c, i);
    init_normal_(*this, c.initializer_range);
    if (!c.axial_pos_embds) return;
    nn::init::normal_(embeddings.of_rows, 0, c.axial_norm_std);
    nn::init::normal_(embeddings.of_columns, 0, c.axial_norm_std);
  }
  /// attention_mask [batch, n]: 0 for padding. A text whose length is no multiple of the chunks is padded meanwhile.
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& attention_mask = {}) const {
    static_cast<void>(kept_keys("ReformerModel", ids, 0, attention_mask));
    const Index n = ids.size(1), more = config.padded(n) - n;
    if (n == 0) fail<ShapeError>("ReformerModel: ids ", ids.shape(), " have no positions");
    if (n + more > config.max_position_embeddings)
      fail<ShapeError>("ReformerModel: ", n + more, " positions go beyond max_position_embeddings ",
                       config.max_position_embeddings);
    if (config.axial_pos_embds && n + more > config.axial_pos_shape[0] * config.axial_pos_shape[1])
      fail<ShapeError>("ReformerModel: ", n + more, " positions go beyond axial_pos_shape ", config.axial_pos_shape[0],
                       " x ", config.axial_pos_shape[1]);
    ReformerText<T> text{.rotations = rotations};
    Tensor<std::int64_t> all = ids;
    if (attention_mask.defined()) text.kept = attention_mask != 0;
    if (more > 0) {
      const Index batch = ids.size(0);
      all = cat<std::int64_t>({ids, full<std::int64_t>({batch, more}, config.pad_token_id)}, 1);
      text.kept = cat<bool>({text.kept.defined() ? text.kept : ones<bool>(ids.shape()), zeros<bool>({batch, more})}, 1);
    }
    const Tensor<T> x = embeddings(all);
    const Tensor<T> states = reversible(layers, stack<T>({x, x}), text);
    const Tensor<T> y = layer_norm(cat<T>({states[0], states[1]}, -1));
    return this->output(dropout(y, config.hidden_dropout_prob, this->is_training()).narrow(1, 0, n));
  }
  void visit(nn::Visitor<T>& v) override {
    v("embeddings", embeddings), v("encoder.layers", layers), v("encoder.layer_norm", layer_norm);
  }
  static io::KeyMap keys() { return {.rules = {{{"reformer.**"}, {"**"}}}}; }
};

}  // namespace gloss::inline GLOSS_ABI::models
