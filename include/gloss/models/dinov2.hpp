// DINOv2, with registers and without, from the files of Hugging Face and of Meta.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/vision_transformer.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/mean.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as transformers has it.
/// transformers: Dinov2Config
struct Dinov2Config {
  static constexpr std::string_view model_type = "dinov2", prefix = "dinov2.";
  static constexpr std::string_view architecture = "Dinov2Model", classifier = "Dinov2ForImageClassification";
  Index hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12, mlp_ratio = 4;
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0;
  double initializer_range = 0.02, layer_norm_eps = 1e-6;
  Index image_size = 224, patch_size = 14, num_channels = 3;
  bool qkv_bias = true;
  double layerscale_value = 1, drop_path_rate = 0;
  bool use_swiglu_ffn = false, use_mask_token = true;
  Index num_labels = 2;

  template <class Field>
  void fields(Field&& field) {
    field("hidden_size", hidden_size), field("num_hidden_layers", num_hidden_layers);
    field("num_attention_heads", num_attention_heads), field("mlp_ratio", mlp_ratio), field("hidden_act", hidden_act);
    field("hidden_dropout_prob", hidden_dropout_prob);
    field("attention_probs_dropout_prob", attention_probs_dropout_prob);
    field("initializer_range", initializer_range), field("layer_norm_eps", layer_norm_eps);
    field("image_size", image_size), field("patch_size", patch_size), field("num_channels", num_channels);
    field("qkv_bias", qkv_bias), field("layerscale_value", layerscale_value), field("drop_path_rate", drop_path_rate);
    field("use_swiglu_ffn", use_swiglu_ffn), field("use_mask_token", use_mask_token), field("num_labels", num_labels);
  }
  /// Errors: Error for sizes that make no sense.
  void check() const {
    if (patch_size < 1 || image_size < patch_size)
      fail("Dinov2Config: an image_size of ", image_size, " has no patch of ", patch_size);
  }
  VisionTransformerOptions options() const {
    const Index width = hidden_size * mlp_ratio;
    return {.block = {.width = hidden_size,
                      .heads = num_attention_heads,
                      .mlp_width = use_swiglu_ffn ? (width * 2 / 3 + 7) / 8 * 8 : width,
                      .activation = hidden_act,
                      .gated = use_swiglu_ffn,
                      .qkv_bias = qkv_bias,
                      .attention_dropout = attention_probs_dropout_prob,
                      .drop_path = drop_path_rate,
                      .layer_scale = layerscale_value,
                      .eps = layer_norm_eps},
            .depth = num_hidden_layers,
            .rising_drop_path = false,
            .image_size = image_size,
            .patch_size = patch_size,
            .channels = num_channels,
            .mask_token = use_mask_token,
            .dropout = hidden_dropout_prob,
            .initializer_range = initializer_range};
  }
};

/// The same for models that have registers; their positions are resized with all of the larger grid's counting.
/// transformers: Dinov2WithRegistersConfig
struct Dinov2WithRegistersConfig : Dinov2Config {
  static constexpr std::string_view model_type = "dinov2_with_registers", prefix = "dinov2_with_registers.";
  static constexpr std::string_view architecture = "Dinov2WithRegistersModel",
                                    classifier = "Dinov2WithRegistersForImageClassification";
  Index num_register_tokens = 4;

  Dinov2WithRegistersConfig() { patch_size = 16; }
  template <class Field>
  void fields(Field&& field) {
    Dinov2Config::fields(field);
    field("num_register_tokens", num_register_tokens);
  }
  VisionTransformerOptions options() const {
    VisionTransformerOptions o = Dinov2Config::options();
    o.registers = num_register_tokens;
    o.antialias = true;
    return o;
  }
};

/// The names of Hugging Face's files for a VisionTransformer that ours calls vit.
GLOSS_COLD inline io::KeyMap dinov2_keys(std::string_view prefix) {
  const std::string p(prefix), layer = p + "encoder.layer.*.", self = layer + "attention.attention.";
  return {.rules = {{{p + "embeddings.cls_token"}, {"vit.cls_token"}},
                    {{p + "embeddings.mask_token"}, {"vit.mask_token"}},
                    {{p + "embeddings.register_tokens"}, {"vit.reg_token"}},
                    {{p + "embeddings.position_embeddings"}, {"vit.pos_embed"}},
                    {{p + "embeddings.patch_embeddings.projection.*"}, {"vit.patch_embed.proj.*"}},
                    {{self + "query.*", self + "key.*", self + "value.*"}, {"vit.blocks.*.attn.qkv.*"}},
                    {{layer + "attention.output.dense.*"}, {"vit.blocks.*.attn.proj.*"}},
                    {{layer + "layer_scale1.lambda1"}, {"vit.blocks.*.ls1.gamma"}},
                    {{layer + "layer_scale2.lambda1"}, {"vit.blocks.*.ls2.gamma"}},
                    {{layer + "mlp.weights_in.*"}, {"vit.blocks.*.mlp.w12.*"}},
                    {{layer + "mlp.weights_out.*"}, {"vit.blocks.*.mlp.w3.*"}},
                    {{p + "encoder.layer.**"}, {"vit.blocks.**"}},
                    {{p + "layernorm.*"}, {"vit.norm.*"}},
                    {{"classifier.*"}, {"head.*"}}},
          .optional_prefix = p};
}

/// Features of images that need no fine-tuning: the class token, registers and patches.
/// Shape: images [batch, num_channels, height, width] -> [batch, 1 + registers + patches, hidden_size]
/// Errors: as VisionTransformer; Error as Dinov2Config::check.
/// Source: Oquab et al. 2023; Darcet et al. 2023.
/// transformers: Dinov2Model and Dinov2WithRegistersModel, whose last_hidden_state it is
/// Keys: vit.; theirs: keys() and meta_keys()
template <Real T, class ConfigOf = Dinov2Config>
struct Dinov2Model final : nn::Module<T> {
  using Config = ConfigOf;
  static constexpr std::string_view architecture = Config::architecture;
  Config config;
  VisionTransformer<T> vit;

  explicit Dinov2Model(const Config& c) : config((c.check(), c)), vit(c.options()) {}
  /// attentions, where wanted, gets the weights of each layer, [batch, heads, tokens, tokens]. masked [batch, patches]:
  /// for which patches the mask token stands.
  Tensor<T> operator()(const Tensor<T>& images, std::vector<Tensor<T>>* attentions = nullptr,
                       const Tensor<bool>& masked = {}) const {
    return this->output(vit(images, attentions, masked));
  }
  void visit(nn::Visitor<T>& v) override { v("vit", vit); }
  static io::KeyMap keys() { return dinov2_keys(Config::prefix); }
  /// The names of Meta's own files: for io::load_state_dict.
  static io::KeyMap meta_keys() { return {.rules = {{{"register_tokens"}, {"vit.reg_token"}}, {{"**"}, {"vit.**"}}}}; }
};
template <Real T>
using Dinov2WithRegistersModel = Dinov2Model<T, Dinov2WithRegistersConfig>;

/// One of num_labels classes for an image, by a linear map of the class token beside the mean of the patches.
/// Shape: images [batch, num_channels, height, width] -> [batch, num_labels]
/// Errors: as Dinov2Model.
/// transformers: Dinov2ForImageClassification and Dinov2WithRegistersForImageClassification
/// Keys: vit., head.; theirs: keys()
template <Real T, class ConfigOf = Dinov2Config>
struct Dinov2ForImageClassification final : nn::Module<T> {
  using Config = ConfigOf;
  static constexpr std::string_view architecture = Config::classifier;
  Config config;
  VisionTransformer<T> vit;
  nn::Linear<T> head;

  explicit Dinov2ForImageClassification(const Config& c)
      : config((c.check(), c)), vit(c.options()), head(2 * c.hidden_size, c.num_labels) {
    init_normal_(head, c.initializer_range);
  }
  Tensor<T> operator()(const Tensor<T>& images) const {
    const Tensor<T> x = vit(images);
    const Index before = vit.prefix();
    const Tensor<T> patches = mean(x.narrow(1, before, x.size(1) - before), 1);
    return this->output(head(cat(std::vector<Tensor<T>>{x.select(1, 0), patches}, 1)));
  }
  /// labels [batch]: classes.
  Tensor<T> loss(const Tensor<T>& images, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(images), labels);
  }
  void visit(nn::Visitor<T>& v) override { v("vit", vit), v("head", head); }
  static io::KeyMap keys() { return dinov2_keys(Config::prefix); }
};
template <Real T>
using Dinov2WithRegistersForImageClassification = Dinov2ForImageClassification<T, Dinov2WithRegistersConfig>;

}  // namespace gloss::inline GLOSS_ABI::models
