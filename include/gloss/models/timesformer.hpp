// TimeSformer: a video Transformer whose attention goes through time and through space, one after the other or at once.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/patches.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/drop_path.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/multi_head_attention.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in timesformer-base-finetuned-k400.
/// transformers: TimesformerConfig
struct TimesformerConfig {
  static constexpr std::string_view model_type = "timesformer";
  Index image_size = 224, patch_size = 16, num_channels = 3, num_frames = 8;
  Index hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12, intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0;
  double initializer_range = 0.02, layer_norm_eps = 1e-6;
  bool qkv_bias = true;
  std::string attention_type = "divided_space_time";  // or joint_space_time, space_only
  std::optional<double> drop_path_rate = {};          // of the last layer, none: 0; those before it have less
  Index num_labels = 2;

  /// Calls field(name, value) for each.
  template <class Field>
  void fields(Field&& field) {
    if (drop_path_rate == 0.0) drop_path_rate.reset();  // which transformers refuses unless it is a whole number
    field("image_size", image_size), field("patch_size", patch_size), field("num_channels", num_channels);
    field("num_frames", num_frames), field("hidden_size", hidden_size), field("num_hidden_layers", num_hidden_layers);
    field("num_attention_heads", num_attention_heads), field("intermediate_size", intermediate_size);
    field("hidden_act", hidden_act), field("hidden_dropout_prob", hidden_dropout_prob);
    field("attention_probs_dropout_prob", attention_probs_dropout_prob);
    field("initializer_range", initializer_range), field("layer_norm_eps", layer_norm_eps);
    field("qkv_bias", qkv_bias), field("attention_type", attention_type), field("drop_path_rate", drop_path_rate);
    field("num_labels", num_labels);
  }
  bool is_divided() const { return attention_type == "divided_space_time"; }
  bool has_time() const { return attention_type != "space_only"; }
  /// Errors: Error for sizes that make no sense and an attention_type that is not known.
  void check() const {
    if (!is_divided() && attention_type != "joint_space_time" && has_time())
      fail("TimesformerConfig: attention_type ", attention_type,
           " is none of divided_space_time, joint_space_time, space_only");
    if (num_attention_heads < 1 || hidden_size % num_attention_heads != 0)
      fail("TimesformerConfig: hidden_size ", hidden_size, " is not a multiple of num_attention_heads ",
           num_attention_heads);
    if (patch_size < 1) fail("TimesformerConfig: patch_size ", patch_size, " is not positive");
  }
};

/// Where each layer looks, outside the graph: by frames in `space` [batch frames, heads, 1 + patches, 1 + patches], by
/// patches in `time` [batch patches, heads, frames, frames]. Joint attention is in `space`, [batch, heads, n, n] for
/// all n = 1 + patches frames tokens.
template <Real T>
struct TimesformerAttentions {
  std::vector<Tensor<T>> space, time;
};

/// Patches of all frames as tokens behind a class token, with learnt positions in space and in time. The frames of a
/// patch stand side by side; without time, the frames are a batch.
/// Shape: [batch, frames, channels, height, width] -> [batch, 1 + patches frames, d], or [batch frames, 1 + patches, d]
/// Keys: cls_token, position_embeddings, time_embeddings, patch_embeddings.
template <Real T>
struct TimesformerEmbeddings final : nn::Module<T> {
  PatchEmbedding<T> patch_embeddings;
  nn::Parameter<T> cls_token, position_embeddings, time_embeddings;
  Index side;  // patches that the positions are learnt for
  double dropout_rate;

  explicit TimesformerEmbeddings(const TimesformerConfig& c)
      : patch_embeddings(c.num_channels, c.hidden_size, c.patch_size),
        cls_token(zeros<T>({1, 1, c.hidden_size})),
        side(c.image_size / c.patch_size),
        dropout_rate(c.hidden_dropout_prob) {
    position_embeddings = nn::Parameter<T>(zeros<T>({1, 1 + side * side, c.hidden_size}));
    if (c.has_time()) time_embeddings = nn::Parameter<T>(zeros<T>({1, c.num_frames, c.hidden_size}));
  }
  Tensor<T> operator()(const Tensor<T>& video) const {
    if (video.dim() != 5 || video.size(1) < 1)
      fail<ShapeError>("TimesformerModel: video ", video.shape(), " must be [batch, frames, channels, height, width]");
    const Index batch = video.size(0), frames = video.size(1), d = cls_token.size(2);
    const Tensor<T> images = video.flatten(0, 1);
    const Pair grid = patch_embeddings.grid(images.shape());
    Tensor<T> positions = position_embeddings;
    if (grid.h * grid.w != side * side)
      positions = resize_positions(positions, 1, side, grid, {.mode = InterpolateMode::nearest});
    const bool training = this->is_training(), has_time = time_embeddings.defined();
    const Tensor<T> first = (cls_token + positions.narrow(1, 0, 1)).expand({has_time ? batch : batch * frames, 1, d});
    Tensor<T> x = patch_embeddings(images) + positions.narrow(1, 1, grid.h * grid.w);
    x = dropout(x, dropout_rate, training);
    if (has_time) {
      const Tensor<T> times =
          frames == time_embeddings.size(1) ? Tensor<T>(time_embeddings) : interpolate<T>(time_embeddings, {frames, d});
      x = x.unflatten(0, {batch, frames}).transpose(1, 2) + times;
      x = dropout(x, dropout_rate, training).flatten(1, 2);
    }
    return this->output(cat<T>({dropout(first, dropout_rate, training), x}, 1));
  }
  void visit(nn::Visitor<T>& v) override {
    v("cls_token", cls_token), v("position_embeddings", position_embeddings);
    v("time_embeddings", time_embeddings), v("patch_embeddings", patch_embeddings);
  }
};

/// dense(attention of heads(x)).
/// Shape: [batch, n, d] -> the same; weights, where wanted, become [batch, heads, n, n]
/// Keys: attention.qkv., output.dense.
template <Real T>
struct TimesformerAttention final : nn::Module<T> {
  nn::Linear<T> qkv, dense;
  Index heads;
  double dropout_rate, hidden_dropout;

  explicit TimesformerAttention(const TimesformerConfig& c)
      : qkv(c.hidden_size, 3 * c.hidden_size, {.bias = c.qkv_bias}),
        dense(c.hidden_size, c.hidden_size),
        heads(c.num_attention_heads),
        dropout_rate(c.attention_probs_dropout_prob),
        hidden_dropout(c.hidden_dropout_prob) {}
  Tensor<T> operator()(const Tensor<T>& x, std::vector<Tensor<T>>* weights = nullptr) const {
    const bool training = this->is_training();
    const AttentionOptions<T> options{.dropout = training ? dropout_rate : 0};
    const Tensor<T> y = multi_head_attention(std::vector<Tensor<T>>{qkv(x)}, heads, options,
                                             weights ? &weights->emplace_back() : nullptr);
    return this->output(dropout(dense(y), hidden_dropout, training));
  }
  void visit(nn::Visitor<T>& v) override { v("attention.qkv", qkv), v("output.dense", dense); }
};

/// Attention and the feed-forward network, each x + drop_path(f(norm(x))). Divided, each patch looks at itself in all
/// frames, then each frame's patches and a copy of the class token at each other; the class token becomes the mean of
/// its copies. Otherwise all tokens look at each other.
/// Shape: [batch, n, d] -> the same
/// Keys: temporal_layernorm., temporal_attention., temporal_dense. if divided; layernorm_before., attention.,
/// layernorm_after., intermediate.dense., output.dense.
template <Real T>
struct TimesformerLayer final : nn::Module<T> {
  std::optional<nn::LayerNorm<T>> temporal_layernorm;
  std::optional<TimesformerAttention<T>> temporal_attention;
  std::optional<nn::Linear<T>> temporal_dense;
  nn::LayerNorm<T> layernorm_before, layernorm_after;
  TimesformerAttention<T> attention;
  nn::Linear<T> intermediate, dense;
  nn::FeedForwardActivation<T> act;
  double dropout_rate, drop_path_rate;

  TimesformerLayer(const TimesformerConfig& c, double drop_path)
      : layernorm_before(c.hidden_size, {.eps = c.layer_norm_eps}),
        layernorm_after(layernorm_before),
        attention(c),
        intermediate(c.hidden_size, c.intermediate_size),
        dense(c.intermediate_size, c.hidden_size),
        act(activation<T>(c.hidden_act)),
        dropout_rate(c.hidden_dropout_prob),
        drop_path_rate(drop_path) {
    if (!c.is_divided()) return;
    temporal_layernorm = layernorm_before;
    temporal_attention.emplace(c);
    temporal_dense.emplace(c.hidden_size, c.hidden_size);
  }
  Tensor<T> operator()(const Tensor<T>& x, Index frames, TimesformerAttentions<T>* attentions = nullptr) const {
    std::vector<Tensor<T>>* const space = attentions ? &attentions->space : nullptr;
    const Tensor<T> y = temporal_attention ? divided(x, frames, space, attentions ? &attentions->time : nullptr)
                                           : x + dropped(attention(layernorm_before(x), space));
    const bool training = this->is_training();
    const Tensor<T> z = act.after(intermediate, layernorm_after(y), dropout_rate, training);
    if (training && dropout_rate + drop_path_rate > 0)
      return this->output(y + dropped(dropout(dense(z), dropout_rate)));
    return this->output(dense.added_to(y, z));
  }
  void visit(nn::Visitor<T>& v) override {
    if (temporal_attention) {
      v("temporal_layernorm", *temporal_layernorm), v("temporal_attention", *temporal_attention);
      v("temporal_dense", *temporal_dense);
    }
    v("layernorm_before", layernorm_before), v("attention", attention), v("layernorm_after", layernorm_after);
    v("intermediate.dense", intermediate), v("output.dense", dense);
    act.visit(v);
  }

 private:
  Tensor<T> dropped(const Tensor<T>& x) const { return drop_path(x, drop_path_rate, this->is_training()); }
  /// Both attentions with what they are added to.
  Tensor<T> divided(const Tensor<T>& x, Index frames, std::vector<Tensor<T>>* space,
                    std::vector<Tensor<T>>* time) const {
    const Index batch = x.size(0), d = x.size(2), patches = (x.size(1) - 1) / frames;
    const Tensor<T> first = x.narrow(1, 0, 1), others = x.narrow(1, 1, patches * frames);
    const Tensor<T> through_time = others.reshape({batch * patches, frames, d});
    const Tensor<T> from_time = dropped((*temporal_attention)((*temporal_layernorm)(through_time), time));
    const Tensor<T> y = others + (*temporal_dense)(from_time).view({batch, patches * frames, d});
    // [batch, frames, 1 + patches, d]
    const Tensor<T> by_frames = y.view({batch, patches, frames, d}).transpose(1, 2);
    const Tensor<T> whole = cat<T>({first.unsqueeze(1).expand({batch, frames, 1, d}), by_frames}, 2);
    const Tensor<T> from_space =
        dropped(attention(layernorm_before(whole.flatten(0, 1)), space)).view({batch, frames, 1 + patches, d});
    const Tensor<T> of_first = mean(from_space.select(2, 0), 1, {.keepdim = true});
    const Tensor<T> of_others = from_space.narrow(2, 1, patches).transpose(1, 2).reshape({batch, patches * frames, d});
    return cat<T>({first + of_first, y + of_others}, 1);
  }
};

/// The names of Hugging Face's files for a TimeSformer that ours calls `ours`: "" or "timesformer.".
inline io::KeyMap timesformer_keys(const std::string& ours) {
  const std::string embeddings = "embeddings.patch_embeddings.";
  return {.rules = {{{"classifier.*"}, {"classifier.*"}},
                    {{"timesformer." + embeddings + "projection.*"}, {ours + embeddings + "proj.*"}},
                    {{"timesformer.**"}, {ours + "**"}}},
          .optional_prefix = "timesformer."};
}

/// The names of the authors' files for a TimeSformer that ours calls `ours`; their names begin with "model.", and in a
/// checkpoint with "model_state." before that:
///   io::load_state_dict(model, file, {.keys = models::timesformer_original_keys("timesformer.")})
inline io::KeyMap timesformer_original_keys(const std::string& ours) {
  const std::string block = "model.blocks.*.", own = ours + "encoder.layer.*.";
  return {.rules = {{{block + "temporal_norm1.*"}, {own + "temporal_layernorm.*"}},
                    {{block + "temporal_attn.qkv.*"}, {own + "temporal_attention.attention.qkv.*"}},
                    {{block + "temporal_attn.proj.*"}, {own + "temporal_attention.output.dense.*"}},
                    {{block + "temporal_fc.*"}, {own + "temporal_dense.*"}},
                    {{block + "norm1.*"}, {own + "layernorm_before.*"}},
                    {{block + "norm2.*"}, {own + "layernorm_after.*"}},
                    {{block + "attn.qkv.*"}, {own + "attention.attention.qkv.*"}},
                    {{block + "attn.proj.*"}, {own + "attention.output.dense.*"}},
                    {{block + "mlp.fc1.*"}, {own + "intermediate.dense.*"}},
                    {{block + "mlp.fc2.*"}, {own + "output.dense.*"}},
                    {{"model.cls_token"}, {ours + "embeddings.cls_token"}},
                    {{"model.pos_embed"}, {ours + "embeddings.position_embeddings"}},
                    {{"model.time_embed"}, {ours + "embeddings.time_embeddings"}},
                    {{"model.patch_embed.proj.*"}, {ours + "embeddings.patch_embeddings.proj.*"}},
                    {{"model.norm.*"}, {ours + "layernorm.*"}},
                    {{"model.head.*"}, {"classifier.*"}}},
          .optional_prefix = "model."};
}

/// The encoder of a video. It need not have num_frames and image_size: learnt times and positions are those of the
/// nearest; rows and columns behind the last whole patch are left out.
/// Shape: [batch, frames, num_channels, height, width] -> [batch, 1 + patches frames, hidden_size], the class token
/// first, then the frames of each patch side by side; with space_only [batch frames, 1 + patches, hidden_size]
/// Errors: ShapeError for a video of other axes, another number of channels, no frame or less than a patch.
/// Source: Bertasius et al. 2021.
/// transformers: TimesformerModel, which with divided attention wants num_frames and image_size
/// Keys: embeddings., encoder.layer., layernorm.; theirs: keys()
template <Real T>
struct TimesformerModel final : nn::Module<T> {
  using Config = TimesformerConfig;
  static constexpr std::string_view architecture = "TimesformerModel";
  TimesformerConfig config;
  TimesformerEmbeddings<T> embeddings;
  std::vector<TimesformerLayer<T>> layer;
  nn::LayerNorm<T> layernorm;

  explicit TimesformerModel(const TimesformerConfig& c)
      : config((c.check(), c)), embeddings(c), layernorm(c.hidden_size, {.eps = c.layer_norm_eps}) {
    const Index last = (std::max)(c.num_hidden_layers - 1, Index{1});
    for (Index i = 0; i < c.num_hidden_layers; ++i)
      layer.emplace_back(c, c.drop_path_rate.value_or(0) * static_cast<double>(i) / static_cast<double>(last));
    init_normal_(*this, c.initializer_range);
    if (c.has_time()) nn::init::zeros_(embeddings.time_embeddings);
  }
  /// attentions, where wanted, gets where each layer looks.
  Tensor<T> operator()(const Tensor<T>& video, TimesformerAttentions<T>* attentions = nullptr) const {
    if (attentions) *attentions = {};
    Tensor<T> x = embeddings(video);
    for (const TimesformerLayer<T>& l : layer) x = l(x, video.size(1), attentions);
    return this->output(layernorm(x));
  }
  void visit(nn::Visitor<T>& v) override {
    v("embeddings", embeddings), v("encoder.layer", layer), v("layernorm", layernorm);
  }
  static io::KeyMap keys() { return timesformer_keys(""); }
};

/// One of num_labels classes for a video.
/// Shape: [batch, frames, num_channels, height, width] -> [batch, num_labels]; with space_only [batch frames,
/// num_labels], for each frame its own
/// transformers: TimesformerForVideoClassification
template <Real T>
struct TimesformerForVideoClassification final : nn::Module<T> {
  using Config = TimesformerConfig;
  static constexpr std::string_view architecture = "TimesformerForVideoClassification";
  TimesformerConfig config;
  TimesformerModel<T> timesformer;
  nn::Linear<T> classifier;

  explicit TimesformerForVideoClassification(const TimesformerConfig& c)
      : config(c), timesformer(c), classifier(c.hidden_size, c.num_labels) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const Tensor<T>& video, TimesformerAttentions<T>* attentions = nullptr) const {
    return this->output(classifier(timesformer(video, attentions).select(1, 0)));
  }
  /// labels, one for each row of scores: classes.
  Tensor<T> loss(const Tensor<T>& video, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(video), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("timesformer", timesformer), v("classifier", classifier); }
  static io::KeyMap keys() { return timesformer_keys("timesformer."); }
};

}  // namespace gloss::inline GLOSS_ABI::models
