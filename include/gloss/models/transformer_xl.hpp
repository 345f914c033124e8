// Transformer-XL.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/adaptive_softmax.hpp>
#include <gloss/nn/feed_forward_activation.hpp>
#include <gloss/nn/key_value_cache.hpp>
#include <gloss/nn/positions/transformer_xl.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/tri.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in the released model.
/// transformers (up to 4.35): TransfoXLConfig
struct TransfoXLConfig {
  static constexpr std::string_view model_type = "transfo-xl";
  Index vocab_size = 267735;
  std::optional<std::vector<Index>> cutoffs = std::vector<Index>{20000, 40000, 200000};  // none: one softmax over all
  Index d_model = 1024, d_embed = 1024, n_head = 16, d_head = 64, d_inner = 4096, div_val = 4;
  bool pre_lnorm = false;
  Index n_layer = 18, mem_len = 1600, clamp_len = 1000;  // clamp_len 0 or less: distances are not clamped
  bool same_length = true;
  Index attn_type = 0, sample_softmax = -1;
  double dropout = 0.1, dropatt = 0;
  bool untie_r = true;
  std::string init = "normal";
  double init_range = 0.01, proj_init_std = 0.01, init_std = 0.02, layer_norm_epsilon = 1e-5;
  bool tie_word_embeddings = true;
  std::vector<bool> tie_projs = {};  // for the shortlist and each cluster; not said: all but the first

  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("cutoffs", cutoffs), field("d_model", d_model), field("d_embed", d_embed);
    field("n_head", n_head), field("d_head", d_head), field("d_inner", d_inner), field("div_val", div_val);
    field("pre_lnorm", pre_lnorm), field("n_layer", n_layer), field("mem_len", mem_len), field("clamp_len", clamp_len);
    field("same_length", same_length), field("attn_type", attn_type), field("sample_softmax", sample_softmax);
    field("dropout", dropout), field("dropatt", dropatt), field("untie_r", untie_r), field("init", init);
    field("init_range", init_range), field("proj_init_std", proj_init_std), field("init_std", init_std);
    field("layer_norm_epsilon", layer_norm_epsilon), field("tie_word_embeddings", tie_word_embeddings);
    field("tie_projs", tie_projs);
  }
  AdaptiveVocabulary vocabulary() const {
    std::vector<Index> ends = cutoffs.value_or(std::vector<Index>{});
    ends.insert(ends.begin(), 0), ends.push_back(vocab_size);
    return {ends, d_model, d_embed, div_val};
  }
  bool ties_projection(std::size_t cluster) const {
    return tie_projs.empty() ? cluster > 0 : static_cast<bool>(tie_projs[cluster]);
  }
  /// Errors: Error for sizes that make no sense, and for what this class is not.
  void check() const {
    const auto positive = [](const char* name, Index n) {
      if (n <= 0) fail("TransfoXLConfig: ", name, " ", n, " is not positive");
    };
    positive("vocab_size", vocab_size), positive("d_embed", d_embed), positive("d_inner", d_inner);
    positive("div_val", div_val), positive("n_layer", n_layer), positive("n_head", n_head), positive("d_head", d_head);
    if (d_model <= 0 || d_model % 2 != 0) fail("TransfoXLConfig: d_model ", d_model, " is not positive and even");
    const AdaptiveVocabulary words = vocabulary();
    for (std::size_t i = 1; i < words.ends.size(); ++i)
      if (words.ends[i] <= words.ends[i - 1])
        fail("TransfoXLConfig: cutoffs must go up between 0 and vocab_size ", vocab_size, ", and ", words.ends[i],
             " follows ", words.ends[i - 1]);
    if (words.width(words.clusters() - 1) == 0)
      fail("TransfoXLConfig: d_embed ", d_embed, " divided by div_val ", div_val, " for each of ", words.clusters() - 1,
           " cutoffs leaves nothing");
    if (!tie_projs.empty() && tie_projs.size() != words.clusters())
      fail("TransfoXLConfig: tie_projs has ", tie_projs.size(), " entries for ", words.clusters(), " clusters");
    if (mem_len < 0) fail("TransfoXLConfig: mem_len ", mem_len, " is negative");
    if (same_length && mem_len == 0) fail("TransfoXLConfig: same_length with mem_len 0 leaves nothing to look at");
    if (attn_type != 0) fail("TransfoXLConfig: attn_type ", attn_type, " is not known, 0 is");
    if (sample_softmax > 0) fail("TransfoXLConfig: sample_softmax is not known");
    if (init != "normal" && init != "uniform") fail("TransfoXLConfig: init '", init, "' is neither normal nor uniform");
  }
};

/// y = layer_norm(x + CoreNet(x)) with CoreNet two linear layers and a ReLU between; with pre_lnorm, x +
/// CoreNet(layer_norm(x)).
/// Keys: CoreNet.0. [d_inner, d_model], CoreNet.3. [d_model, d_inner], layer_norm.
template <Real T>
struct TransfoXLFeedForward final : nn::Module<T> {
  nn::Linear<T> up, down;
  nn::LayerNorm<T> layer_norm;
  bool pre_lnorm;
  double dropout_rate;

  explicit TransfoXLFeedForward(const TransfoXLConfig& c)
      : up(c.d_model, c.d_inner),
        down(c.d_inner, c.d_model),
        layer_norm(c.d_model, {.eps = c.layer_norm_epsilon}),
        pre_lnorm(c.pre_lnorm),
        dropout_rate(c.dropout) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    const bool training = this->is_training();
    const nn::FeedForwardActivation<T> relu("relu");
    const Tensor<T> y = down(relu.after(up, pre_lnorm ? layer_norm(x) : x, dropout_rate, training));
    const Tensor<T> z = add_dropout(x, y, dropout_rate, training);
    return this->output(pre_lnorm ? z : layer_norm(z));
  }
  void visit(nn::Visitor<T>& v) override { v("CoreNet.0", up), v("CoreNet.3", down), v("layer_norm", layer_norm); }
};

/// Attention to the segment and what is remembered, and the feed-forward network.
/// Keys: dec_attn., pos_ff.
template <Real T>
struct TransfoXLLayer final : nn::Module<T> {
  nn::TransformerXLAttention<T> dec_attn;
  TransfoXLFeedForward<T> pos_ff;

  explicit TransfoXLLayer(const TransfoXLConfig& c)
      : dec_attn(c.n_head, c.d_model, c.d_head,
                 {.dropout = c.dropout,
                  .dropatt = c.dropatt,
                  .pre_lnorm = c.pre_lnorm,
                  .layer_norm_epsilon = c.layer_norm_epsilon}),
        pos_ff(c) {}
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& r, const Tensor<T>& mems, const Tensor<bool>& mask) const {
    return this->output(pos_ff(dec_attn(x, r, mems, mask)));
  }
  void visit(nn::Visitor<T>& v) override { v("dec_attn", dec_attn), v("pos_ff", pos_ff); }
};

/// What a Transformer-XL carries from one piece of a text to the next: of each layer, the states that it read last.
/// Twice mem_len of them are kept, so that up to mem_len tokens can be taken back.
template <Real T>
struct TransfoXLMemory {
  std::vector<Tensor<T>> states;  // of each layer, [batch, at most 2 mem_len, d_model], without a graph
  Index length = 0;               // tokens read
  Index mem_len = 0;              // of the model that read them

  /// Shape: [batch, at most mem_len, d_model]
  /// transformers: mems, there with the batch second
  Tensor<T> mems(std::size_t layer) const {
    const Index kept = states[layer].size(1), seen = (std::min)(kept, mem_len);
    return states[layer].narrow(1, kept - seen, seen);
  }
  /// Puts what the layers have just read behind the rest.
  void add(const std::vector<Tensor<T>>& read) {
    for (std::size_t i = 0; i < read.size(); ++i) {
      const Tensor<T> all = cat<T>({states[i], read[i]}, 1);
      const Index kept = (std::min)(all.size(1), 2 * mem_len);
      states[i] = all.narrow(1, all.size(1) - kept, kept);
    }
    length += read[0].size(1);
  }
  /// Row i becomes the old row rows[i]; the number of rows may change. Unchecked.
  void select_rows(const Tensor<std::int64_t>& rows) {
    for (Tensor<T>& x : states) x = nn::detail::select_rows(x.contiguous(), rows);
  }
  /// Forgets what came behind the first n tokens.
  /// Errors: IndexError when there are fewer, or what came before them is no longer known.
  void truncate(Index n) {
    if (n < 0 || n > length) fail<IndexError>("TransfoXLMemory: cannot truncate ", length, " tokens to ", n);
    if (n == 0) states.clear();
    for (Tensor<T>& x : states) {
      const Index kept = x.size(1) - (length - n);
      if (kept < mem_len)
        fail<IndexError>("TransfoXLMemory: cannot truncate ", length, " tokens to ", n, ": ", mem_len,
                         " states before them are needed, and ", (std::max)(kept, Index{0}), " are kept");
      x = x.narrow(1, 0, kept);
    }
    length = n;
  }
};

/// Words, the layers, and dropout behind them. Each layer sees its input over the segment, and the mem_len states of it
/// that came before, through which no gradient goes. A text begins with mem_len states of 0, which are seen too.
/// With same_length every token sees itself and the mem_len - 1 states before it; otherwise all that there are.
/// Shape: ids [batch, n] -> [batch, n, d_model]
/// Errors: ShapeError for ids that are not [batch, n] or of another batch than the memory; IndexError for an id outside
/// the vocabulary; Error for a memory where mem_len is 0.
/// Source: Dai et al. 2019.
/// transformers (up to 4.35): TransfoXLModel
/// Keys: r_w_bias, r_r_bias (unless untie_r), word_emb., layers.
template <Real T>
struct TransfoXLModel final : nn::Module<T> {
  using Memory = TransfoXLMemory<T>;
  Index d_model, mem_len, clamp_len;
  bool same_length;
  double dropout_rate;
  nn::Parameter<T> r_w_bias, r_r_bias;  // of all layers
  AdaptiveEmbedding<T> word_emb;
  std::vector<TransfoXLLayer<T>> layers;

  explicit TransfoXLModel(const TransfoXLConfig& c)
      : d_model(c.d_model),
        mem_len(c.mem_len),
        clamp_len(c.clamp_len),
        same_length(c.same_length),
        dropout_rate(c.dropout),
        word_emb(c.vocabulary()) {
    for (Index i = 0; i < c.n_layer; ++i) layers.emplace_back(c);
    if (c.untie_r) return;
    r_w_bias = nn::Parameter<T>(zeros<T>({c.n_head, c.d_head}));
    r_r_bias = nn::Parameter<T>(zeros<T>({c.n_head, c.d_head}));
    for (TransfoXLLayer<T>& layer : layers)
      layer.dec_attn.r_w_bias.tie(r_w_bias), layer.dec_attn.r_r_bias.tie(r_r_bias);
  }
  /// For the ids behind those in the memory, where there is one; they are then remembered.
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, Memory* memory = nullptr) const {
    if (ids.dim() != 2) fail<ShapeError>("TransfoXLModel: ids ", ids.shape(), " must be [batch, n]");
    const Index batch = ids.size(0), n = ids.size(1);
    const bool begins = !memory || memory->states.empty();
    if (memory && mem_len == 0) fail("TransfoXLModel: mem_len 0 remembers nothing");
    if (!begins && memory->states[0].size(0) != batch)
      fail<ShapeError>("TransfoXLModel: ids ", ids.shape(), " do not fit a memory of ", memory->states[0].size(0),
                       " rows");
    Memory past = begins ? Memory{} : *memory;
    past.mem_len = mem_len;
    if (begins && mem_len > 0) past.states.assign(layers.size(), zeros<T>({batch, mem_len, d_model}));
    const Index before = mem_len > 0 ? past.mems(0).size(1) : 0;
    Tensor<bool> mask;
    if (same_length && before + n > mem_len) mask = triu(ones<bool>({n, before + n}), before - mem_len + 1);
    const bool training = this->is_training();
    const Tensor<T> r = dropout(distances(before + n), dropout_rate, training);
    Tensor<T> x = dropout(word_emb(ids), dropout_rate, training);
    std::vector<Tensor<T>> read;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      read.push_back(x.detach());
      x = layers[i](x, r, mem_len > 0 ? past.mems(i) : Tensor<T>{}, mask);
    }
    if (memory) {
      past.add(read);
      *memory = std::move(past);
    }
    return this->output(dropout(x, dropout_rate, training));
  }
  void visit(nn::Visitor<T>& v) override {
    v("r_w_bias", r_w_bias), v("r_r_bias", r_r_bias), v("word_emb", word_emb), v("layers", layers);
  }

 private:
  /// Sinusoids of the distances keys - 1, ..., 1, 0, where those beyond clamp_len count as clamp_len.
  Tensor<T> distances(Index keys) const {
    const Index beyond = clamp_len > 0 ? (std::max)(keys - 1 - clamp_len, Index{0}) : 0;
    const Tensor<T> r = nn::distance_sinusoids<T>(keys - beyond, d_model);
    return beyond > 0 ? cat<T>({r.narrow(0, 0, 1).expand({beyond, d_model}), r}) : r;
  }
};

/// Transformer-XL with its head; its tokens come from decode::CausalStepper, the memory being its cache.
/// Shape: ids [batch, n] -> log P of the next token behind each, [batch, n, vocab_size]
/// Errors: as TransfoXLModel.
/// transformers (up to 4.35): TransfoXLLMHeadModel
/// Keys: transformer., crit., as theirs
template <Real T>
struct TransfoXLLMHeadModel final : nn::Module<T> {
  using Config = TransfoXLConfig;
  using Cache = TransfoXLMemory<T>;
  static constexpr std::string_view architecture = "TransfoXLLMHeadModel";
  TransfoXLConfig config;
  TransfoXLModel<T> transformer;
  ProjectedAdaptiveLogSoftmax<T> crit;

  explicit TransfoXLLMHeadModel(const TransfoXLConfig& c)
      : config((c.check(), c)), transformer(c), crit(c.vocabulary()) {
    for (const auto& [name, p] : this->named_parameters()) {
      if (name.ends_with(".bias") || name.ends_with("cluster_bias"))
        nn::init::zeros_(p);
      else if (name.find("_projs.") != std::string::npos)
        nn::init::normal_(p, 0, c.proj_init_std);
      else if (name.ends_with("layer_norm.weight"))
        nn::init::normal_(p, 1, c.init_std);
      else if (c.init == "normal")
        nn::init::normal_(p, 0, c.init_std);
      else
        nn::init::uniform_(p, -c.init_range, c.init_range);
    }
    AdaptiveEmbedding<T>& words = transformer.word_emb;
    for (std::size_t i = 0; c.tie_word_embeddings && i < words.emb_layers.size(); ++i)
      crit.out_layers[i].weight.tie(words.emb_layers[i].weight);
    for (std::size_t i = 0; i < crit.out_projs.size(); ++i)
      if (c.ties_projection(i)) crit.out_projs[i].tie(words.emb_projs[c.div_val == 1 ? 0 : i]);
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids, Cache* memory = nullptr) const {
    return this->output(crit(transformer(ids, memory)));
  }
  /// How well each token follows from those before it: labels are the ids themselves, -100 where none counts.
  Tensor<T> loss(const Tensor<std::int64_t>& ids, const Tensor<std::int64_t>& labels, Cache* memory = nullptr) const {
    const Index n = labels.size(1);
    const Tensor<T> x = transformer(ids, memory);
    return crit.loss(x.narrow(1, 0, n - 1).flatten(0, 1), labels.narrow(1, 1, n - 1).flatten());
  }
  /// What decode::CausalStepper calls.
  Tensor<T> decode(const Tensor<std::int64_t>& ids, Cache* cache = nullptr) const { return transformer(ids, cache); }
  Tensor<T> generator(const Tensor<T>& x) const { return crit(x); }
  void visit(nn::Visitor<T>& v) override { v("transformer", transformer), v("crit", crit); }

  /// The rates of the sinusoids may be stored as well.
  static io::KeyMap keys() { return {.rules = {{{"transformer.pos_emb.inv_freq"}, {}}}}; }
};

}  // namespace gloss::inline GLOSS_ABI::models
