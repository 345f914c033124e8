// Marian's Transformer, which the OPUS-MT translators are.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/loss.hpp>
#include <gloss/models/source_and_target.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/positions/sinusoidal.hpp>
#include <gloss/nn/transformer_decoder_layer.hpp>
#include <gloss/ops/tri.hpp>
#include <gloss/tensor/random.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in transformers' MarianConfig.
/// transformers: MarianConfig
struct MarianConfig {
  static constexpr std::string_view model_type = "marian";
  Index vocab_size = 58101;
  std::optional<Index> decoder_vocab_size = {};  // none: vocab_size
  Index max_position_embeddings = 1024, d_model = 1024;
  Index encoder_layers = 12, encoder_ffn_dim = 4096, encoder_attention_heads = 16;
  Index decoder_layers = 12, decoder_ffn_dim = 4096, decoder_attention_heads = 16;
  double encoder_layerdrop = 0, decoder_layerdrop = 0;
  std::string activation_function = "gelu";
  double dropout = 0.1, attention_dropout = 0, activation_dropout = 0, init_std = 0.02;
  bool scale_embedding = false;
  Index pad_token_id = 58100, eos_token_id = 0, decoder_start_token_id = 58100;
  std::vector<std::vector<Index>> bad_words_ids = {};
  bool share_encoder_decoder_embeddings = true, tie_word_embeddings = true;
  bool normalize_before = false, normalize_embedding = false, add_final_layer_norm = false;

  template <class Field>
  void fields(Field&& field) {
    field("vocab_size", vocab_size), field("decoder_vocab_size", decoder_vocab_size);
    field("max_position_embeddings", max_position_embeddings), field("d_model", d_model);
    field("encoder_layers", encoder_layers), field("encoder_ffn_dim", encoder_ffn_dim);
    field("encoder_attention_heads", encoder_attention_heads), field("decoder_layers", decoder_layers);
    field("decoder_ffn_dim", decoder_ffn_dim), field("decoder_attention_heads", decoder_attention_heads);
    field("encoder_layerdrop", encoder_layerdrop), field("decoder_layerdrop", decoder_layerdrop);
    field("activation_function", activation_function), field("dropout", dropout);
    field("attention_dropout", attention_dropout), field("activation_dropout", activation_dropout);
    field("init_std", init_std), field("scale_embedding", scale_embedding), field("pad_token_id", pad_token_id);
    field("eos_token_id", eos_token_id), field("decoder_start_token_id", decoder_start_token_id);
    field("bad_words_ids", bad_words_ids);
    field("share_encoder_decoder_embeddings", share_encoder_decoder_embeddings);
    field("tie_word_embeddings", tie_word_embeddings), field("normalize_before", normalize_before);
    field("normalize_embedding", normalize_embedding), field("add_final_layer_norm", add_final_layer_norm);
  }
  Index target_words() const {
    return share_encoder_decoder_embeddings ? vocab_size : decoder_vocab_size.value_or(vocab_size);
  }
  /// What a search is not to say, for decode::LogitsOptions::forbidden: padding, and bad words.
  std::vector<std::int64_t> forbidden() const {
    std::vector<std::int64_t> tokens = {pad_token_id};
    for (const auto& word : bad_words_ids)
      if (word[0] != pad_token_id) tokens.push_back(word[0]);
    return tokens;
  }
  void decide_ties(bool tied) { tie_word_embeddings = tied; }
  /// Errors: Error for what this class is not.
  void check() const {
    if (normalize_before) fail("MarianConfig: normalize_before is not known");
    if (normalize_embedding) fail("MarianConfig: normalize_embedding is not known");
    if (add_final_layer_norm) fail("MarianConfig: add_final_layer_norm is not known");
    if (share_encoder_decoder_embeddings && !tie_word_embeddings)
      fail("MarianConfig: share_encoder_decoder_embeddings without tie_word_embeddings is not known");
    for (const auto& word : bad_words_ids)
      if (word.size() != 1) fail("MarianConfig: bad_words_ids: a word of ", word.size(), " tokens is not known");
  }
};

/// From a text to a text; its tokens come from decode::greedy_search, beam_search and EncoderDecoderStepper:
///   decode::beam_search(model, ids, mask, {.start = c.decoder_start_token_id, .end = c.eos_token_id,
///                                          .logits = {.forbidden = c.forbidden()}})
/// Layers are PyTorch's with the norm behind the sum. Positions are sines, then cosines. In training encoder_layerdrop
/// and decoder_layerdrop are the shares of layers that are left out.
/// Shape: input_ids [batch, m], decoder_input_ids [batch, n] -> scores [batch, n, words of the target]
/// Errors: ShapeError for ids that are not [batch, length] or longer than max_position_embeddings, and a mask of
/// another shape; IndexError for an id outside the vocabulary.
/// Source: Junczys-Dowmunt et al. 2018; Tiedemann and Thottingal 2020.
/// transformers: MarianMTModel
/// Keys: model.shared. or model.encoder.embed_tokens. and model.decoder.embed_tokens., model.encoder.layers.,
/// model.decoder.layers., lm_head., final_logits_bias [1, words of the target]; theirs: keys()
template <Real T>
struct MarianMTModel final : nn::Module<T> {
  using Config = MarianConfig;
  using Cache = nn::ModelCache<nn::DecoderLayerCache<T>>;
  static constexpr std::string_view architecture = "MarianMTModel";
  static constexpr std::pair<std::string_view, std::string_view> tied_tensors = {"lm_head.weight",
                                                                                 "decoder.embed_tokens.weight"};
  MarianConfig config;
  nn::Embedding<T> source_words;
  std::optional<nn::Embedding<T>> target_words;  // none: the source's
  std::vector<nn::TransformerEncoderLayer<T>> encoder_layers;
  std::vector<nn::TransformerDecoderLayer<T>> decoder_layers;
  nn::Linear<T> lm_head;
  nn::Buffer<T> final_logits_bias, positions;

  explicit MarianMTModel(const MarianConfig& c)
      : config((c.check(), c)),
        source_words(c.vocab_size, c.d_model, {.padding_idx = c.pad_token_id}),
        encoder_layers(nn::repeated(
            c.encoder_layers,
            [&] { return layer<nn::TransformerEncoderLayer<T>>(c, c.encoder_attention_heads, c.encoder_ffn_dim); })),
        decoder_layers(nn::repeated(c.decoder_layers,
                                    [&] {
                                      auto l = layer<nn::TransformerDecoderLayer<T>>(c, c.decoder_attention_heads,
                                                                                     c.decoder_ffn_dim);
                                      l.multihead_attn.dropout = c.attention_dropout;
                                      return l;
                                    })),
        lm_head(c.d_model, c.target_words(), {.bias = false}),
        final_logits_bias(zeros<T>({1, c.target_words()})),
        positions(nn::sinusoidal_positions<T>(c.max_position_embeddings, c.d_model, {.interleaved = false}),
                  {.persistent = false}) {
    if (!c.share_encoder_decoder_embeddings)
      target_words.emplace(c.target_words(), c.d_model, nn::EmbeddingOptions{.padding_idx = c.pad_token_id});
    init_normal_(*this, c.init_std);
    nn::init::zeros_(source_words.weight.select(0, c.pad_token_id));
    if (target_words) nn::init::zeros_(target_words->weight.select(0, c.pad_token_id));
    if (c.tie_word_embeddings) lm_head.weight.tie(target().weight);
  }
  /// attention_mask [batch, m]: 0 for padding; all count where it is left out.
  Tensor<T> operator()(const Tensor<std::int64_t>& input_ids, const Tensor<std::int64_t>& attention_mask,
                       const Tensor<std::int64_t>& decoder_input_ids) const {
    const Tensor<bool> src_mask = source_mask("MarianMTModel", input_ids, attention_mask);
    return this->output(generator(decode(encode(input_ids, src_mask), src_mask, decoder_input_ids)));
  }
  /// labels [batch, n]: the text that is wanted, with its end, -100 behind it; the decoder reads it shifted by one.
  Tensor<T> loss(const Tensor<std::int64_t>& input_ids, const Tensor<std::int64_t>& attention_mask,
                 const Tensor<std::int64_t>& labels) const {
    return token_loss((*this)(input_ids, attention_mask, shifted(labels)), labels);
  }
  /// What the decoder reads so that it says these labels: decoder_start_token_id, and all but the last.
  Tensor<std::int64_t> shifted(const Tensor<std::int64_t>& labels) const {
    return shifted_right("MarianMTModel", labels, config.decoder_start_token_id, config.pad_token_id);
  }

  /// What decode::EncoderDecoderStepper calls. src_mask [batch or 1, 1, m]: true counts. Each token of tgt sees those
  /// up to itself, whatever a mask would say.
  Tensor<T> encode(const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask) const {
    Tensor<T> x = embedded(source_words, src, 0);
    const nn::AttentionMask<T> padding = padding_of(src_mask, src.size(0));
    for (const auto& l : encoder_layers)
      if (!is_dropped(config.encoder_layerdrop)) x = l(x, {.src_key_padding_mask = padding});
    return x;
  }
  Tensor<T> decode(const Tensor<T>& memory, const Tensor<bool>& src_mask, const Tensor<std::int64_t>& tgt,
                   const Tensor<bool>& /*tgt_mask*/ = {}, Cache* cache = nullptr) const {
    Tensor<T> x = embedded(target(), tgt, cache ? cache->length : 0);
    const Index n = tgt.size(1);
    nn::TransformerDecoderLayerMasks<T> masks{.memory_key_padding_mask = padding_of(src_mask, tgt.size(0))};
    if (!cache) masks.tgt_mask = triu(ones<bool>({n, n}), 1), masks.tgt_is_causal = true;
    if (cache) cache->begin(decoder_layers.size());
    for (std::size_t i = 0; i < decoder_layers.size(); ++i)
      if (!is_dropped(config.decoder_layerdrop))
        x = decoder_layers[i](x, memory, masks, cache ? &cache->layers[i] : nullptr);
    if (cache) cache->end();
    return x;
  }
  Tensor<T> generator(const Tensor<T>& x) const { return lm_head(x) + final_logits_bias; }
  void visit(nn::Visitor<T>& v) override {
    v(target_words ? "model.encoder.embed_tokens" : "model.shared", source_words);
    if (target_words) v("model.decoder.embed_tokens", *target_words);
    v("model.encoder.layers", encoder_layers), v("model.decoder.layers", decoder_layers);
    v("lm_head", lm_head), v("final_logits_bias", final_logits_bias), v("positions", positions);
  }
  static io::KeyMap keys() {
    io::KeyMap map{.rules = {{{"model.encoder.embed_positions.weight"}, {}},
                             {{"model.decoder.embed_positions.weight"}, {}},
                             {{"model.*.layers.*.fc1.*"}, {"model.*.layers.*.linear1.*"}},
                             {{"model.*.layers.*.fc2.*"}, {"model.*.layers.*.linear2.*"}},
                             {{"model.*.layers.*.self_attn_layer_norm.*"}, {"model.*.layers.*.norm1.*"}}}};
    const std::string encoder = "model.encoder.layers.*.", decoder = "model.decoder.layers.*.";
    for (const auto& [theirs, ours] : {std::pair{encoder + "final_layer_norm.", encoder + "norm2."},
                                       {decoder + "encoder_attn_layer_norm.", decoder + "norm2."},
                                       {decoder + "final_layer_norm.", decoder + "norm3."},
                                       {decoder + "encoder_attn.out_proj.", decoder + "multihead_attn.out_proj."}})
      map.rules.push_back({{theirs + "*"}, {ours + "*"}});
    for (const auto& [theirs, ours] :
         {std::pair{std::string("model.*.layers.*.self_attn."), std::string("model.*.layers.*.self_attn.")},
          {decoder + "encoder_attn.", decoder + "multihead_attn."}})
      map.rules.push_back({{theirs + "q_proj.*", theirs + "k_proj.*", theirs + "v_proj.*"}, {ours + "in_proj_*"}});
    return map;
  }

 private:
  template <class Layer>
  static Layer layer(const MarianConfig& c, Index heads, Index width) {
    Layer l(c.d_model, heads,
            {.dim_feedforward = width,
             .dropout = c.dropout,
             .activation = activation<T>(c.activation_function),
             .batch_first = true});
    l.self_attn.dropout = c.attention_dropout;
    l.dropout.p = c.activation_dropout;
    return l;
  }
  const nn::Embedding<T>& target() const { return target_words ? *target_words : source_words; }
  /// Words and positions, of which the first is `start`.
  Tensor<T> embedded(const nn::Embedding<T>& words, const Tensor<std::int64_t>& ids, Index start) const {
    if (ids.dim() != 2) fail<ShapeError>("MarianMTModel: ids ", ids.shape(), " must be [batch, length]");
    const Index n = ids.size(1), most = positions.size(0);
    if (start + n > most)
      fail<ShapeError>("MarianMTModel: ", start + n, " positions go beyond max_position_embeddings ", most);
    const Tensor<T> x = words(ids) * (config.scale_embedding ? std::sqrt(static_cast<double>(config.d_model)) : 1);
    return dropout(x + positions.narrow(0, start, n), config.dropout, this->is_training());
  }
  static nn::AttentionMask<T> padding_of(const Tensor<bool>& src_mask, Index batch) {
    if (!src_mask.defined()) return {};
    return {!src_mask.select(1, 0).expand({batch, src_mask.size(2)})};
  }
  bool is_dropped(double share) const { return this->is_training() && share > 0 && rand<T>({1}).item() < share; }
};

}  // namespace gloss::inline GLOSS_ABI::models
