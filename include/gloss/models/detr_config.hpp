// What a DETR is made of.
#pragma once

#include <iterator>
#include <string>
#include <string_view>

#include <gloss/models/detr_loss.hpp>
#include <gloss/models/resnet.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says of a DETR's eyes: sizes, as in a ResNet's own, or the name that timm has for them.
struct DetrBackboneConfig {
  std::string model_type = "resnet", backbone = "";
  ResNetConfig resnet = {};

  template <class Field>
  void fields(Field&& field) {
    field("model_type", model_type), field("backbone", backbone);
    resnet.fields(field);
  }
};

/// What config.json says, under its names; what it does not say is as in detr-resnet-50.
/// transformers: DetrConfig
struct DetrConfig {
  static constexpr std::string_view model_type = "detr";
  std::string backbone = "";  // old files: timm's name of it
  DetrBackboneConfig backbone_config = {};
  Index num_channels = 3, num_queries = 100, d_model = 256;
  Index encoder_layers = 6, encoder_ffn_dim = 2048, encoder_attention_heads = 8;
  Index decoder_layers = 6, decoder_ffn_dim = 2048, decoder_attention_heads = 8;
  std::string activation_function = "relu";
  double dropout = 0.1, attention_dropout = 0, activation_dropout = 0;
  bool auxiliary_loss = false;                   // the layers before the last predict too, and are trained by it
  std::string position_embedding_type = "sine";  // or "learned"
  bool dilation = false;
  Index class_cost = 1, bbox_cost = 5, giou_cost = 2, bbox_loss_coefficient = 5, giou_loss_coefficient = 2;
  double eos_coefficient = 0.1;
  Index num_labels = 2;
  // Not in config.json:
  bool frozen_batch_norm = true;
  double temperature = 10000;       // of sine positions
  bool feeds_normed_layers = true;  // with auxiliary_loss a layer reads the norm of the one before it, as in
                                    // transformers; without, what is normed is predicted from alone, as in the original

  template <class Field>
  void fields(Field&& field) {
    field("backbone", backbone), field("backbone_config", backbone_config), field("num_channels", num_channels);
    field("num_queries", num_queries), field("d_model", d_model), field("encoder_layers", encoder_layers);
    field("encoder_ffn_dim", encoder_ffn_dim), field("encoder_attention_heads", encoder_attention_heads);
    field("decoder_layers", decoder_layers), field("decoder_ffn_dim", decoder_ffn_dim);
    field("decoder_attention_heads", decoder_attention_heads), field("activation_function", activation_function);
    field("dropout", dropout), field("attention_dropout", attention_dropout);
    field("activation_dropout", activation_dropout), field("auxiliary_loss", auxiliary_loss);
    field("position_embedding_type", position_embedding_type), field("dilation", dilation);
    field("class_cost", class_cost), field("bbox_cost", bbox_cost), field("giou_cost", giou_cost);
    field("bbox_loss_coefficient", bbox_loss_coefficient), field("giou_loss_coefficient", giou_loss_coefficient);
    field("eos_coefficient", eos_coefficient), field("num_labels", num_labels);
  }
  /// Errors: Error for what this class is not.
  void check() const {
    const std::string& kind = backbone_config.model_type;
    if (kind != "resnet" && kind != "timm_backbone")
      fail("DetrConfig: a backbone of type ", kind, " is not known, a resnet is");
    if (position_embedding_type != "sine" && position_embedding_type != "learned")
      fail("DetrConfig: position_embedding_type ", position_embedding_type, " is neither sine nor learned");
    resnet().check();
  }
  /// The eyes, whichever way they are said.
  /// Errors: Error for a name that is no ResNet's.
  ResNetConfig resnet() const {
    const std::string& name = backbone_config.backbone.empty() ? backbone : backbone_config.backbone;
    ResNetConfig c = backbone_config.resnet;
    if (!name.empty()) {
      const Index known[] = {18, 34, 50, 101, 152};
      const Index* layers = known;
      while (layers != std::end(known) && name != "resnet" + std::to_string(*layers)) ++layers;
      if (layers == std::end(known))
        fail("DetrConfig: the backbone ", name, " is not known, resnet50 and its like are");
      c = ResNetConfig::of_layers(*layers);
      c.num_channels = num_channels;
    }
    c.frozen_batch_norm = frozen_batch_norm, c.dilation = dilation;
    return c;
  }
  /// The same with the sizes of the eyes in the place of their name, as save_pretrained writes it.
  DetrConfig with_sizes() const {
    DetrConfig c = *this;
    c.backbone_config = {.resnet = resnet()};
    c.backbone = "";
    return c;
  }
  DetrWeights weights() const {
    const auto number = [](Index n) { return static_cast<double>(n); };
    return {number(class_cost),
            number(bbox_cost),
            number(giou_cost),
            number(bbox_loss_coefficient),
            number(giou_loss_coefficient),
            eos_coefficient};
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
