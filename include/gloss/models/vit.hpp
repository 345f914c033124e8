// ViT, the Vision Transformer, from the files of Hugging Face and of timm.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/vision_transformer.hpp>
#include <gloss/ops/binary_cross_entropy.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/mse_loss.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names, and behind it what timm's models have besides; what is not said is as in
/// vit-base-patch16-224.
/// transformers: ViTConfig
struct ViTConfig {
  static constexpr std::string_view model_type = "vit";
  Index hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12, intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0;
  double initializer_range = 0.02, layer_norm_eps = 1e-12;  // timm's models have an eps of 1e-6
  Index image_size = 224, patch_size = 16, num_channels = 3;
  bool qkv_bias = true;
  std::optional<Index> pooler_output_size = {};  // none: hidden_size
  std::string pooler_act = "tanh";
  Index num_labels = 2;
  // what transformers' ViT has not
  double drop_path_rate = 0;               // in the last block; in those before it less, down to 0 in the first
  std::optional<double> layer_scale = {};  // what the scales of the branches begin with; none: there are none
  Index num_register_tokens = 0;
  bool class_token = true, class_position = true;
  std::string pooling = "token";  // what is classified: the class token, or the "mean" of the patches
  bool fc_norm = false;           // the last norm is behind the pooling

  template <class Field>
  void fields(Field&& field) {
    field("hidden_size", hidden_size), field("num_hidden_layers", num_hidden_layers);
    field("num_attention_heads", num_attention_heads), field("intermediate_size", intermediate_size);
    field("hidden_act", hidden_act), field("hidden_dropout_prob", hidden_dropout_prob);
    field("attention_probs_dropout_prob", attention_probs_dropout_prob);
    field("initializer_range", initializer_range), field("layer_norm_eps", layer_norm_eps);
    field("image_size", image_size), field("patch_size", patch_size), field("num_channels", num_channels);
    field("qkv_bias", qkv_bias), field("pooler_output_size", pooler_output_size), field("pooler_act", pooler_act);
    field("num_labels", num_labels), field("drop_path_rate", drop_path_rate), field("layer_scale", layer_scale);
    field("num_register_tokens", num_register_tokens), field("class_token", class_token);
    field("class_position", class_position), field("pooling", pooling), field("fc_norm", fc_norm);
  }
  /// Errors: Error for sizes that make no sense.
  void check() const {
    if (patch_size < 1 || image_size < patch_size)
      fail("ViTConfig: an image_size of ", image_size, " has no patch of ", patch_size);
    if (pooling != "token" && pooling != "mean") fail("ViTConfig: pooling '", pooling, "' is neither token nor mean");
    if (pooling == "token" && !class_token) fail("ViTConfig: pooling is 'token', and there is no class token");
  }
  VisionTransformerOptions options() const {
    return {.block = {.width = hidden_size,
                      .heads = num_attention_heads,
                      .mlp_width = intermediate_size,
                      .activation = hidden_act,
                      .qkv_bias = qkv_bias,
                      .dropout = hidden_dropout_prob,
                      .attention_dropout = attention_probs_dropout_prob,
                      .drop_path = drop_path_rate,
                      .layer_scale = layer_scale,
                      .eps = layer_norm_eps},
            .depth = num_hidden_layers,
            .image_size = image_size,
            .patch_size = patch_size,
            .channels = num_channels,
            .class_token = class_token,
            .class_position = class_position,
            .registers = num_register_tokens,
            .last_norm = !fc_norm,
            .dropout = hidden_dropout_prob,
            .initializer_range = initializer_range};
  }
};

/// Rules for blocks that theirs has under `theirs` and ours under `ours`, as "vit.encoder.layer.*." and
/// "vit.blocks.*.".
GLOSS_COLD inline void add_vit_block_rules(io::KeyMap& map, const std::string& theirs, const std::string& ours) {
  const std::string self = theirs + "attention.attention.";
  map.rules.insert(map.rules.end(), {{{self + "query.*", self + "key.*", self + "value.*"}, {ours + "attn.qkv.*"}},
                                     {{theirs + "attention.output.dense.*"}, {ours + "attn.proj.*"}},
                                     {{theirs + "layernorm_before.*"}, {ours + "norm1.*"}},
                                     {{theirs + "layernorm_after.*"}, {ours + "norm2.*"}},
                                     {{theirs + "intermediate.dense.*"}, {ours + "mlp.fc1.*"}},
                                     {{theirs + "output.dense.*"}, {ours + "mlp.fc2.*"}}});
}
/// The names of Hugging Face's ViT for a VisionTransformer that ours calls vit; those of its parts that transformers'
/// ViT has not, as timm has them.
GLOSS_COLD inline io::KeyMap vit_keys() {
  io::KeyMap map;
  map.optional_prefix = "vit.";
  add_vit_block_rules(map, "vit.encoder.layer.*.", "vit.blocks.*.");
  map.rules.insert(map.rules.end(), {{{"vit.embeddings.cls_token"}, {"vit.cls_token"}},
                                     {{"vit.embeddings.position_embeddings"}, {"vit.pos_embed"}},
                                     {{"vit.embeddings.patch_embeddings.projection.*"}, {"vit.patch_embed.proj.*"}},
                                     {{"vit.layernorm.*"}, {"vit.norm.*"}},
                                     {{"vit.encoder.layer.**"}, {"vit.blocks.**"}},
                                     {{"vit.pooler.dense.*"}, {"pooler.*"}},
                                     {{"classifier.*"}, {"head.*"}}});
  return map;
}

/// last_hidden_state [batch, tokens, hidden_size], pooler_output [batch, pooler_output_size].
template <Real T>
struct ViTOutput {
  Tensor<T> last_hidden_state, pooler_output;
};

/// An image as tokens: their features, and of the first what stands for the image.
/// Shape: images [batch, num_channels, height, width] -> last_hidden_state [batch, tokens, hidden_size], pooler_output
/// [batch, pooler_output_size]
/// Errors: as VisionTransformer; Error as ViTConfig::check.
/// Source: Dosovitskiy et al. 2020.
/// transformers: ViTModel, with interpolate_pos_encoding; with_pooler is its add_pooling_layer
/// Keys: vit., pooler.; theirs: keys()
template <Real T>
struct ViTModel final : nn::Module<T> {
  using Config = ViTConfig;
  static constexpr std::string_view architecture = "ViTModel";
  ViTConfig config;
  VisionTransformer<T> vit;
  std::optional<nn::Linear<T>> pooler;
  nn::FeedForwardActivation<T> pooler_act;

  explicit ViTModel(const ViTConfig& c, bool with_pooler = true)
      : config((c.check(), c)), vit(c.options()), pooler_act(activation<T>(c.pooler_act)) {
    if (!with_pooler) return;
    pooler.emplace(c.hidden_size, c.pooler_output_size.value_or(c.hidden_size));
    init_normal_(*pooler, c.initializer_range);
  }
  /// attentions, where wanted, gets the weights of each layer, [batch, heads, tokens, tokens].
  ViTOutput<T> operator()(const Tensor<T>& images, std::vector<Tensor<T>>* attentions = nullptr) const {
    const Tensor<T> x = this->output(vit(images, attentions));
    return {x, pooler ? pooler_act((*pooler)(x.select(1, 0))) : Tensor<T>{}};
  }
  void visit(nn::Visitor<T>& v) override {
    v("vit", vit);
    if (pooler) v("pooler", *pooler);
  }
  static io::KeyMap keys() { return vit_keys(); }
};

/// One of num_labels classes for an image, or, with num_labels = 1, a number.
/// Shape: images [batch, num_channels, height, width] -> [batch, num_labels]
/// Errors: as ViTModel.
/// transformers: ViTForImageClassification, with interpolate_pos_encoding
/// Keys: vit., fc_norm., head.; theirs: keys() and timm_keys()
template <Real T>
struct ViTForImageClassification final : nn::Module<T> {
  using Config = ViTConfig;
  static constexpr std::string_view architecture = "ViTForImageClassification";
  ViTConfig config;
  VisionTransformer<T> vit;
  std::optional<nn::LayerNorm<T>> fc_norm;
  nn::Linear<T> head;

  explicit ViTForImageClassification(const ViTConfig& c)
      : config((c.check(), c)), vit(c.options()), head(c.hidden_size, c.num_labels) {
    if (c.fc_norm) fc_norm.emplace(c.hidden_size, nn::LayerNormOptions{.eps = c.layer_norm_eps});
    init_normal_(head, c.initializer_range);
  }
  Tensor<T> operator()(const Tensor<T>& images, std::vector<Tensor<T>>* attentions = nullptr) const {
    return this->output(head(features(images, attentions)));
  }
  /// What is classified, [batch, hidden_size].
  Tensor<T> features(const Tensor<T>& images, std::vector<Tensor<T>>* attentions = nullptr) const {
    const Tensor<T> x = vit(images, attentions);
    const Index before = vit.prefix();
    const Tensor<T> y = config.pooling == "token" ? x.select(1, 0) : mean(x.narrow(1, before, x.size(1) - before), 1);
    return fc_norm ? (*fc_norm)(y) : y;
  }
  /// labels [batch]: classes.
  Tensor<T> loss(const Tensor<T>& images, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(images), labels);
  }
  /// labels [batch] where num_labels is 1: numbers, by squares; else [batch, num_labels]: how true each label is, by
  /// binary cross-entropy.
  Tensor<T> loss(const Tensor<T>& images, const Tensor<T>& labels) const {
    const Tensor<T> logits = (*this)(images);
    return config.num_labels == 1 ? mse_loss(logits.flatten(), labels.flatten())
                                  : binary_cross_entropy_with_logits(logits, labels);
  }
  void visit(nn::Visitor<T>& v) override {
    v("vit", vit);
    if (fc_norm) v("fc_norm", *fc_norm);
    v("head", head);
  }
  static io::KeyMap keys() { return vit_keys(); }
  /// The names of timm's files, and of Google's, DeiT's and MAE's for fine-tuning that have the same: for io::load.
  static io::KeyMap timm_keys() {
    return {.rules = {{{"head.*"}, {"head.*"}}, {{"fc_norm.*"}, {"fc_norm.*"}}, {{"**"}, {"vit.**"}}}};
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
