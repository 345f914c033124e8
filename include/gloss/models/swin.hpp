// Swin: an image Transformer whose attention looks at windows, which are shifted from layer to layer.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/patches.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/positions/swin_bias.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/drop_path.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/multi_head_attention.hpp>
#include <gloss/ops/pad.hpp>
#include <gloss/ops/windows.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in swin-tiny-patch4-window7-224.
/// transformers: SwinConfig
struct SwinConfig {
  static constexpr std::string_view model_type = "swin";
  Index image_size = 224, patch_size = 4, num_channels = 3, embed_dim = 96;
  std::vector<Index> depths = {2, 2, 6, 2}, num_heads = {3, 6, 12, 24};  // of the stages
  Index window_size = 7;
  double mlp_ratio = 4;
  bool qkv_bias = true;
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0;
  double drop_path_rate = 0.1;  // of the last layer; those before it have less, the first none
  std::string hidden_act = "gelu";
  bool use_absolute_embeddings = false;
  double initializer_range = 0.02, layer_norm_eps = 1e-5;
  Index num_labels = 2;

  /// Calls field(name, value) for each.
  template <class Field>
  void fields(Field&& field) {
    field("image_size", image_size), field("patch_size", patch_size), field("num_channels", num_channels);
    field("embed_dim", embed_dim), field("depths", depths), field("num_heads", num_heads);
    field("window_size", window_size), field("mlp_ratio", mlp_ratio), field("qkv_bias", qkv_bias);
    field("hidden_dropout_prob", hidden_dropout_prob);
    field("attention_probs_dropout_prob", attention_probs_dropout_prob), field("drop_path_rate", drop_path_rate);
    field("hidden_act", hidden_act), field("use_absolute_embeddings", use_absolute_embeddings);
    field("initializer_range", initializer_range), field("layer_norm_eps", layer_norm_eps);
    field("num_labels", num_labels);
  }
  /// How wide the tokens of a stage are.
  Index width(std::size_t stage) const { return embed_dim << stage; }
  /// Errors: Error for sizes that make no sense.
  void check() const {
    if (depths.empty() || depths.size() != num_heads.size() || depths.size() > 16)
      fail("SwinConfig: ", depths.size(), " depths and ", num_heads.size(), " num_heads");
    for (std::size_t s = 0; s < depths.size(); ++s)
      if (num_heads[s] < 1 || width(s) % num_heads[s] != 0)
        fail("SwinConfig: stage ", s, " is ", width(s), " wide, which ", num_heads[s], " heads do not divide");
    if (patch_size < 1) fail("SwinConfig: patch_size ", patch_size, " is not positive");
    if (!(mlp_ratio > 0 && mlp_ratio <= 1024)) fail("SwinConfig: mlp_ratio ", mlp_ratio, " is not in (0, 1024]");
  }
};

/// How the layers of a stage cut a map.
struct SwinWindows {
  Index side = 1, shift = 0;
  Tensor<bool> mask = {};  // [windows of the batch, 1, side side, side side]: who may look at whom in a shifted window
};

/// Patches as tokens, normalised, with learnt positions if wanted.
/// Shape: [batch, channels, height, width] -> [batch, ceil(height / patch), ceil(width / patch), embed_dim]
/// Keys: patch_embeddings., norm., position_embeddings if use_absolute_embeddings
template <Real T>
struct SwinEmbeddings final : nn::Module<T> {
  PatchEmbedding<T> patch_embeddings;
  nn::LayerNorm<T> norm;
  nn::Parameter<T> position_embeddings;
  Index side;  // patches that the positions are learnt for
  double dropout_rate;

  explicit SwinEmbeddings(const SwinConfig& c)
      : patch_embeddings(c.num_channels, c.embed_dim, c.patch_size),
        norm(c.embed_dim),
        side(c.image_size / c.patch_size),
        dropout_rate(c.hidden_dropout_prob) {
    if (c.use_absolute_embeddings) position_embeddings = nn::Parameter<T>(zeros<T>({1, side * side, c.embed_dim}));
  }
  Tensor<T> operator()(const Tensor<T>& images) const {
    if (images.dim() != 4)
      fail<ShapeError>("SwinModel: images ", images.shape(), " must be [batch, channels, height, width]");
    const Pair patch = patch_embeddings.patch;
    const Index below = (patch.h - images.size(2) % patch.h) % patch.h;
    const Index beside = (patch.w - images.size(3) % patch.w) % patch.w;
    const Tensor<T> whole = below + beside > 0 ? pad(images, {0, beside, 0, below}) : images;
    const Pair grid = patch_embeddings.grid(whole.shape());
    Tensor<T> x = norm(patch_embeddings(whole));
    if (position_embeddings.defined()) x = x + resize_positions<T>(position_embeddings, 0, side, grid);
    return this->output(dropout(x, dropout_rate, this->is_training()).unflatten(1, {grid.h, grid.w}));
  }
  void visit(nn::Visitor<T>& v) override {
    v("patch_embeddings", patch_embeddings), v("norm", norm), v("position_embeddings", position_embeddings);
  }
};

/// Attention within each window, with a bias for how two places lie to each other.
/// Shape: [windows, side side, d] -> the same
/// Keys: self.qkv., self.relative_position_bias_table, output.dense.; theirs has self.query., self.key., self.value.
template <Real T>
struct SwinAttention final : nn::Module<T> {
  nn::Linear<T> qkv, dense;
  nn::SwinPositionBias<T> bias;
  Index heads;
  double dropout_rate;

  SwinAttention(const SwinConfig& c, Index width, Index num_heads)
      : qkv(width, 3 * width, {.bias = c.qkv_bias}),
        dense(width, width),
        bias(c.window_size, c.window_size, num_heads, {.persistent_index = false}),
        heads(num_heads),
        dropout_rate(c.attention_probs_dropout_prob) {}
  Tensor<T> operator()(const Tensor<T>& x, const SwinWindows& windows) const {
    const AttentionOptions<T> options{.mask = windows.mask,
                                      .bias = bias(windows.side, windows.side).unsqueeze(0),
                                      .dropout = this->is_training() ? dropout_rate : 0};
    return this->output(dense(multi_head_attention(std::vector<Tensor<T>>{qkv(x)}, heads, options)));
  }
  void visit(nn::Visitor<T>& v) override { v("self.qkv", qkv), v("self", bias), v("output.dense", dense); }
};

/// y = x + drop_path(attention(norm(x))) by windows, then y + dense(act(intermediate(norm(y)))).
/// Shape: [batch, height, width, d] -> the same
/// Keys: layernorm_before., attention., layernorm_after., intermediate.dense., output.dense.
template <Real T>
struct SwinLayer final : nn::Module<T> {
  nn::LayerNorm<T> layernorm_before, layernorm_after;
  SwinAttention<T> attention;
  nn::Linear<T> intermediate, dense;
  nn::FeedForwardActivation<T> act;
  double dropout_rate, drop_path_rate;

  SwinLayer(const SwinConfig& c, Index width, Index num_heads, double drop_path)
      : layernorm_before(width, {.eps = c.layer_norm_eps}),
        layernorm_after(layernorm_before),
        attention(c, width, num_heads),
        intermediate(width, static_cast<Index>(c.mlp_ratio * static_cast<double>(width))),
        dense(intermediate.weight.size(0), width),
        act(activation<T>(c.hidden_act)),
        dropout_rate(c.hidden_dropout_prob),
        drop_path_rate(drop_path) {}
  Tensor<T> operator()(const Tensor<T>& x, const SwinWindows& windows) const {
    const bool training = this->is_training();
    const Tensor<T> apart = window_partition(layernorm_before(x), windows.side, windows.shift);
    const Tensor<T> seen = dropout(attention(apart, windows), dropout_rate, training);
    const Tensor<T> joined = window_reverse(seen, {x.size(1), x.size(2)}, windows.side, windows.shift);
    const Tensor<T> y = x + drop_path(joined, drop_path_rate, training);
    const Tensor<T> z = act.after(intermediate, layernorm_after(y), 0, false);
    if (training && dropout_rate > 0) return this->output(add_dropout(y, dense(z), dropout_rate));
    return this->output(dense.added_to(y, z));
  }
  void visit(nn::Visitor<T>& v) override {
    v("layernorm_before", layernorm_before), v("attention", attention), v("layernorm_after", layernorm_after);
    v("intermediate.dense", intermediate), v("output.dense", dense);
    act.visit(v);
  }
};

/// Four neighbours as one token: side by side, normalised, and from 4 d to 2 d. An odd row or column gets zeros beside
/// it.
/// Shape: [batch, height, width, d] -> [batch, ceil(height / 2), ceil(width / 2), 2 d]
/// Keys: norm., reduction.
template <Real T>
struct SwinPatchMerging final : nn::Module<T> {
  nn::LayerNorm<T> norm;
  nn::Linear<T> reduction;

  explicit SwinPatchMerging(Index width) : norm(4 * width), reduction(4 * width, 2 * width, {.bias = false}) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    const Index below = x.size(1) % 2, beside = x.size(2) % 2;
    const Tensor<T> even = below + beside > 0 ? pad(x, {0, 0, 0, beside, 0, below}) : x;
    return this->output(reduction(norm(rearrange(even, "b (h r) (w c) d -> b h w (c r d)", {{"r", 2}, {"c", 2}}))));
  }
  void visit(nn::Visitor<T>& v) override { v("norm", norm), v("reduction", reduction); }
};

/// Layers on maps of one size, whose windows are shifted by half a window in every other, and the merging behind them,
/// which the last stage has not. A map that is no larger than a window on one side has windows of that side, and none
/// is shifted.
/// Shape: [batch, height, width, d] -> [batch, ceil(height / 2), ceil(width / 2), 2 d], or the same in the last stage
/// Keys: blocks., downsample.
template <Real T>
struct SwinStage final : nn::Module<T> {
  std::vector<SwinLayer<T>> blocks;
  std::optional<SwinPatchMerging<T>> downsample;
  Index window;

  SwinStage(const SwinConfig& c, std::size_t stage) : window(c.window_size) {
    Index all = 0, before = 0;
    for (std::size_t s = 0; s < c.depths.size(); ++s) all += c.depths[s], before += s < stage ? c.depths[s] : 0;
    const double each = c.drop_path_rate / static_cast<double>((std::max)(all - 1, Index{1}));
    blocks = nn::repeated(c.depths[stage], [&] {
      return SwinLayer<T>(c, c.width(stage), c.num_heads[stage], each * static_cast<double>(before++));
    });
    if (stage + 1 < c.depths.size()) downsample.emplace(c.width(stage));
  }
  Tensor<T> operator()(Tensor<T> x) const {
    const Pair map(x.size(1), x.size(2));
    const SwinWindows plain{.side = (std::min)({window, map.h, map.w})};
    SwinWindows shifted = plain;
    if ((std::min)(map.h, map.w) > window && window > 1 && blocks.size() > 1) {
      shifted.shift = window / 2;
      const Tensor<bool> mask = shifted_window_mask(map, window, shifted.shift);  // of one map
      const Index n = window * window;
      shifted.mask = mask.unsqueeze(0).expand({x.size(0), mask.size(0), n, n}).reshape({-1, 1, n, n});
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) x = blocks[i](x, i % 2 == 0 ? plain : shifted);
    return this->output(downsample ? (*downsample)(x) : x);
  }
  void visit(nn::Visitor<T>& v) override {
    v("blocks", blocks);
    if (downsample) v("downsample", *downsample);
  }
};

/// last_hidden_state [batch, places of the last map, d], pooler_output [batch, d]: the mean over them.
template <Real T>
struct SwinOutput {
  Tensor<T> last_hidden_state, pooler_output;
};

/// The names of Hugging Face's files for a Swin that ours calls `ours`: "" or "swin.".
inline io::KeyMap swin_keys(const std::string& ours) {
  const std::string self = "encoder.layers.*.blocks.*.attention.self.", embeddings = "embeddings.patch_embeddings.";
  return {.rules = {{{"classifier.*"}, {"classifier.*"}},
                    {{"swin." + self + "relative_position_index"}, {}},
                    {{"swin." + self + "query.*", "swin." + self + "key.*", "swin." + self + "value.*"},
                     {ours + self + "qkv.*"}},
                    {{"swin." + embeddings + "projection.*"}, {ours + embeddings + "proj.*"}},
                    {{"swin.**"}, {ours + "**"}}},
          .optional_prefix = "swin."};
}

/// The names of the authors' files, or of timm's, which has the merging at the beginning of the next stage, for a Swin
/// that ours calls `ours`: io::load_state_dict(model, file, {.keys = models::swin_original_keys("swin.")}).
inline io::KeyMap swin_original_keys(const std::string& ours, bool of_timm = false) {
  const std::string block = "layers.*.blocks.*.", own = ours + "encoder.layers.*.blocks.*.";
  io::KeyMap map{
      .rules = {{{block + "attn.relative_position_index"}, {}},
                {{block + "attn_mask"}, {}},
                {{block + "norm1.*"}, {own + "layernorm_before.*"}},
                {{block + "norm2.*"}, {own + "layernorm_after.*"}},
                {{block + "attn.qkv.*"}, {own + "attention.self.qkv.*"}},
                {{block + "attn.relative_position_bias_table"}, {own + "attention.self.relative_position_bias_table"}},
                {{block + "attn.proj.*"}, {own + "attention.output.dense.*"}},
                {{block + "mlp.fc1.*"}, {own + "intermediate.dense.*"}},
                {{block + "mlp.fc2.*"}, {own + "output.dense.*"}},
                {{"patch_embed.proj.*"}, {ours + "embeddings.patch_embeddings.proj.*"}},
                {{"patch_embed.norm.*"}, {ours + "embeddings.norm.*"}},
                {{"absolute_pos_embed"}, {ours + "embeddings.position_embeddings"}},
                {{"norm.*"}, {ours + "layernorm.*"}},
                {{of_timm ? "head.fc.*" : "head.*"}, {"classifier.*"}}}};
  for (Index stage = 0; stage < 15; ++stage)
    map.rules.push_back({{"layers." + std::to_string(of_timm ? stage + 1 : stage) + ".downsample.**"},
                         {ours + "encoder.layers." + std::to_string(stage) + ".downsample.**"}});
  return map;
}

/// The encoder of an image: patches, stages of ever coarser maps, a norm, and the mean over the last map. Images need
/// not have image_size: sides that are no multiple of a patch, of a window or of two get zeros behind them, and
/// absolute positions are resized.
/// Shape: [batch, num_channels, height, width] -> last_hidden_state [batch, places, d], pooler_output [batch, d]
/// Errors: ShapeError for images of other axes or another number of channels.
/// Source: Liu et al. 2021.
/// transformers: SwinModel, with interpolate_pos_encoding
/// Keys: embeddings., encoder.layers., layernorm.; theirs: keys()
template <Real T>
struct SwinModel final : nn::Module<T> {
  using Config = SwinConfig;
  static constexpr std::string_view architecture = "SwinModel";
  SwinConfig config;
  SwinEmbeddings<T> embeddings;
  std::vector<SwinStage<T>> layers;
  nn::LayerNorm<T> layernorm;

  explicit SwinModel(const SwinConfig& c)
      : config((c.check(), c)), embeddings(c), layernorm(c.width(c.depths.size() - 1), {.eps = c.layer_norm_eps}) {
    for (std::size_t stage = 0; stage < c.depths.size(); ++stage) layers.emplace_back(c, stage);
    init_normal_(*this, c.initializer_range);
  }
  SwinOutput<T> operator()(const Tensor<T>& images) const {
    Tensor<T> x = embeddings(images);
    for (const SwinStage<T>& stage : layers) x = stage(x);
    x = this->output(layernorm(x).flatten(1, 2));
    return {x, mean(x, 1)};
  }
  void visit(nn::Visitor<T>& v) override {
    v("embeddings", embeddings), v("encoder.layers", layers), v("layernorm", layernorm);
  }
  static io::KeyMap keys() { return swin_keys(""); }
};

/// One of num_labels classes for an image.
/// Shape: [batch, num_channels, height, width] -> [batch, num_labels]
/// transformers: SwinForImageClassification
template <Real T>
struct SwinForImageClassification final : nn::Module<T> {
  using Config = SwinConfig;
  static constexpr std::string_view architecture = "SwinForImageClassification";
  SwinConfig config;
  SwinModel<T> swin;
  nn::Linear<T> classifier;

  explicit SwinForImageClassification(const SwinConfig& c)
      : config(c), swin(c), classifier(c.width(c.depths.size() - 1), c.num_labels) {
    init_normal_(classifier, c.initializer_range);
  }
  Tensor<T> operator()(const Tensor<T>& images) const { return this->output(classifier(swin(images).pooler_output)); }
  /// labels [batch]: classes.
  Tensor<T> loss(const Tensor<T>& images, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(images), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("swin", swin), v("classifier", classifier); }
  static io::KeyMap keys() { return swin_keys("swin."); }
};

}  // namespace gloss::inline GLOSS_ABI::models
