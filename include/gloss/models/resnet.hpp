// ResNet, for classes of images and as the eyes of other models.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/resnet_norm.hpp>
#include <gloss/nn/conv2d.hpp>
#include <gloss/nn/init.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/pool.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in ResNet-50.
/// transformers: ResNetConfig
struct ResNetConfig {
  static constexpr std::string_view model_type = "resnet";
  Index num_channels = 3, embedding_size = 64;
  std::vector<Index> hidden_sizes = {256, 512, 1024, 2048}, depths = {3, 4, 6, 3};  // of each stage
  std::string layer_type = "bottleneck", hidden_act = "relu";
  bool downsample_in_first_stage = false, downsample_in_bottleneck = false;
  Index num_labels = 2;
  // Not in config.json:
  bool frozen_batch_norm = false;   // statistics, weights and biases of the norms are buffers that stay as they are
  bool zero_init_residual = false;  // each block begins as the identity: the weight of its last norm is 0
  bool dilation = false;            // the last stage keeps the size of the one before it and looks twice as far

  template <class Field>
  void fields(Field&& field) {
    field("num_channels", num_channels), field("embedding_size", embedding_size);
    field("hidden_sizes", hidden_sizes), field("depths", depths), field("layer_type", layer_type);
    field("hidden_act", hidden_act), field("downsample_in_first_stage", downsample_in_first_stage);
    field("downsample_in_bottleneck", downsample_in_bottleneck), field("num_labels", num_labels);
  }
  /// Errors: Error for sizes that make no sense, and for what this class is not.
  void check() const {
    if (layer_type != "basic" && layer_type != "bottleneck")
      fail("ResNetConfig: layer_type ", layer_type, " is neither basic nor bottleneck");
    if (depths.empty() || depths.size() > 4 || hidden_sizes.size() != depths.size())
      fail("ResNetConfig: ", depths.size(), " depths and ", hidden_sizes.size(),
           " hidden_sizes; there is one of each for one to four stages");
    for (const Index depth : depths)
      if (depth < 1) fail("ResNetConfig: a stage of ", depth, " blocks");
  }
  /// ResNet-18, 34, 50, 101 or 152, for the 1,000 classes of ImageNet.
  /// Errors: Error for another number.
  static ResNetConfig of_layers(Index layers) {
    ResNetConfig c;
    if (layers < 50) c.layer_type = "basic", c.hidden_sizes = {64, 128, 256, 512};
    if (layers == 18)
      c.depths = {2, 2, 2, 2};
    else if (layers == 101)
      c.depths = {3, 4, 23, 3};
    else if (layers == 152)
      c.depths = {3, 8, 36, 3};
    else if (layers != 34 && layers != 50)
      fail("ResNetConfig: ", layers, " layers; there are ResNets of 18, 34, 50, 101 and 152");
    c.num_labels = 1000;
    return c;
  }
};

/// relu(f(x) + shortcut(x)), where f is two convolutions of 3 x 3, or one of 3 x 3 between two of 1 x 1 (a bottleneck,
/// a quarter as wide), each with a norm behind it and a relu in between; the shortcut is a convolution of 1 x 1 and a
/// norm where sizes differ.
/// Shape: [n, in, h, w] -> [n, out, h / stride, w / stride], rounded up
/// Keys: conv1., bn1., conv2., bn2.; in a bottleneck conv3., bn3.; downsample.0., downsample.1. for the shortcut
template <Real T>
struct ResNetBlock final : nn::Module<T> {
  nn::Conv2d<T> conv1, conv2;
  std::optional<nn::Conv2d<T>> conv3, shortcut;
  ResNetNorm<T> bn1, bn2;
  std::optional<ResNetNorm<T>> bn3, shortcut_norm;
  std::optional<nn::FeedForwardActivation<T>> other_act;  // in the place of the last relu

  /// The sizes of a block: of its stride and of how far its convolutions look, the first (which has the stride) and
  /// those behind it.
  struct Sizes {
    Index in, out, stride = 1, first_dilation = 1, dilation = 1;
  };
  ResNetBlock(const ResNetConfig& c, const Sizes& s) : ResNetBlock(c, s, c.layer_type == "bottleneck") {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const Tensor<T> across = shortcut ? (*shortcut_norm)((*shortcut)(x)) : x;
    const Tensor<T> y = conv2(bn1.with_relu(conv1(x)));
    if (conv3) return this->output(last(*bn3, (*conv3)(bn2.with_relu(y)), across));
    return this->output(last(bn2, y, across));
  }
  void visit(nn::Visitor<T>& v) override {
    v("conv1", conv1), bn1.visit("bn1", v), v("conv2", conv2), bn2.visit("bn2", v);
    if (conv3) v("conv3", *conv3), bn3->visit("bn3", v);
    if (shortcut) v("downsample.0", *shortcut), shortcut_norm->visit("downsample.1", v);
  }

 private:
  ResNetBlock(const ResNetConfig& c, const Sizes& s, bool bottleneck)
      : conv1(bottleneck ? conv(s.in, s.out / 4, 1, c.downsample_in_bottleneck ? s.stride : 1, 1)
                         : conv(s.in, s.out, 3, s.stride, s.first_dilation)),
        conv2(bottleneck ? conv(s.out / 4, s.out / 4, 3, c.downsample_in_bottleneck ? 1 : s.stride, s.first_dilation)
                         : conv(s.out, s.out, 3, 1, s.dilation)),
        bn1(conv1.out_channels, c.frozen_batch_norm),
        bn2(conv2.out_channels, c.frozen_batch_norm) {
    if (bottleneck) conv3 = conv(s.out / 4, s.out, 1, 1, 1), bn3.emplace(s.out, c.frozen_batch_norm);
    if (s.in != s.out || s.stride != 1)
      shortcut = conv(s.in, s.out, 1, s.stride, 1), shortcut_norm.emplace(s.out, c.frozen_batch_norm);
    if (c.hidden_act != "relu") other_act = activation<T>(c.hidden_act);
    if (!c.zero_init_residual) return;
    const ResNetNorm<T>& end = bn3 ? *bn3 : bn2;
    nn::init::zeros_(end.frozen ? Tensor<T>(end.frozen->weight) : Tensor<T>(end.trained->weight));
  }
  static nn::Conv2d<T> conv(Index in, Index out, Index kernel, Index stride, Index dilation) {
    return {in, out, kernel, {.stride = stride, .padding = kernel / 2 * dilation, .dilation = dilation, .bias = false}};
  }
  Tensor<T> last(const ResNetNorm<T>& norm, const Tensor<T>& y, const Tensor<T>& across) const {
    return other_act ? (*other_act)(norm(y) + across) : norm.with_relu(y, across);
  }
};

/// A convolution of 7 x 7 and a pool, both of stride 2, and the stages: what every ResNet has.
/// Keys: conv1., bn1., layer1. to layer4., as torchvision's
template <Real T>
struct ResNetStages : nn::Module<T> {
  ResNetConfig config;
  nn::Conv2d<T> conv1;
  ResNetNorm<T> bn1;
  std::vector<std::vector<ResNetBlock<T>>> stages;

  /// The maps of all stages, C2, C3, C4 and C5: of a 4th, 8th, 16th and 32nd of the image's size.
  /// Errors: ShapeError when x is not [n, num_channels, h, w].
  std::vector<Tensor<T>> features(const Tensor<T>& x) const {
    if (x.dim() != 4 || x.size(1) != config.num_channels)
      fail<ShapeError>("ResNet: x ", x.shape(), " must be [n, ", config.num_channels, ", h, w]");
    const Tensor<T> stem =
        config.hidden_act == "relu" ? bn1.with_relu(conv1(x)) : activation<T>(config.hidden_act)(bn1(conv1(x)));
    std::vector<Tensor<T>> maps;
    Tensor<T> y = max_pool2d(stem, 3, {.stride = 2, .padding = 1});
    for (const auto& stage : stages) {
      for (const ResNetBlock<T>& block : stage) y = block(y);
      maps.push_back(y);
    }
    return maps;
  }
  void visit(nn::Visitor<T>& v) override {
    v("conv1", conv1), bn1.visit("bn1", v);
    for (std::size_t i = 0; i < stages.size(); ++i) v("layer" + std::to_string(i + 1), stages[i]);
  }

 protected:
  explicit ResNetStages(const ResNetConfig& c)
      : config((c.check(), c)),
        conv1(c.num_channels, c.embedding_size, 7, {.stride = 2, .padding = 3, .bias = false}),
        bn1(c.embedding_size, c.frozen_batch_norm) {
    Index in = c.embedding_size;
    for (std::size_t i = 0; i < c.depths.size(); ++i) {
      const Index out = c.hidden_sizes[i], apart = i > 0 || c.downsample_in_first_stage ? 2 : 1;
      const bool dilated = c.dilation && i + 1 == c.depths.size();
      auto& stage = stages.emplace_back();
      for (Index b = 0; b < c.depths[i]; ++b) {
        stage.emplace_back(c, typename ResNetBlock<T>::Sizes{.in = in,
                                                             .out = out,
                                                             .stride = b > 0 || dilated ? 1 : apart,
                                                             .first_dilation = b > 0 && dilated ? apart : 1,
                                                             .dilation = dilated ? apart : 1});
        in = out;
      }
    }
    for (const auto& [name, p] : this->named_parameters())
      if (p.dim() == 4)
        nn::init::kaiming_normal_(p, {.mode = nn::init::Fan::out, .nonlinearity = nn::init::Nonlinearity::relu});
  }
};

/// The rules of Hugging Face's files for a ResNet that theirs calls `theirs` and ours `ours`.
inline void add_resnet_rules(io::KeyMap& map, const std::string& theirs, const std::string& ours) {
  const auto rule = [&](const std::string& from, const std::string& to) {
    map.rules.push_back({{theirs + from + ".*"}, {ours + to + ".*"}});
  };
  rule("embedder.embedder.convolution", "conv1"), rule("embedder.embedder.normalization", "bn1");
  for (int stage = 0; stage < 4; ++stage) {
    const std::string from = "encoder.stages." + std::to_string(stage) + ".layers.*.";
    const std::string to = "layer" + std::to_string(stage + 1) + ".*.";
    for (int i = 0; i < 3; ++i) {
      const std::string number = std::to_string(i + 1), layer = from + "layer." + std::to_string(i);
      rule(layer + ".convolution", to + "conv" + number), rule(layer + ".normalization", to + "bn" + number);
    }
    rule(from + "shortcut.convolution", to + "downsample.0");
    rule(from + "shortcut.normalization", to + "downsample.1");
  }
}

/// The maps of an image at the end of the last stage; those of all stages are `features`.
/// Shape: [n, num_channels, h, w] -> [n, the last of hidden_sizes, h / 32, w / 32], rounded up
/// Errors: ShapeError for another shape.
/// Source: He et al. 2016.
/// PyTorch: torchvision.models.resnet50 and its like without pool and fc; transformers' ResNetBackbone
/// Keys: conv1., bn1., layer1. to layer4., as torchvision's
template <Real T>
struct ResNetBackbone final : ResNetStages<T> {
  using Config = ResNetConfig;
  static constexpr std::string_view architecture = "ResNetBackbone";

  explicit ResNetBackbone(const ResNetConfig& c) : ResNetStages<T>(c) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(this->features(x).back()); }
  static io::KeyMap keys() {
    io::KeyMap map;
    add_resnet_rules(map, "", "");
    return map;
  }
};

/// One of num_labels classes for an image.
/// Shape: [n, num_channels, h, w] -> [n, num_labels]
/// Errors: ShapeError for another shape.
/// Source: He et al. 2016, with the stride in the convolution of 3 x 3, as torchvision and transformers have it.
/// transformers: ResNetForImageClassification; torchvision.models.resnet50 and its like
/// Keys: conv1., bn1., layer1. to layer4., fc., as torchvision's, whose files io::load takes; transformers': keys()
template <Real T>
struct ResNetForImageClassification final : ResNetStages<T> {
  using Config = ResNetConfig;
  static constexpr std::string_view architecture = "ResNetForImageClassification";
  nn::Linear<T> fc;

  explicit ResNetForImageClassification(const ResNetConfig& c)
      : ResNetStages<T>(c), fc(c.hidden_sizes.back(), c.num_labels) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(fc(mean(this->features(x).back(), {2, 3}))); }
  /// labels [n]: classes.
  Tensor<T> loss(const Tensor<T>& x, const Tensor<std::int64_t>& labels) const {
    return cross_entropy((*this)(x), labels);
  }
  void visit(nn::Visitor<T>& v) override {
    ResNetStages<T>::visit(v);
    v("fc", fc);
  }
  static io::KeyMap keys() {
    io::KeyMap map;
    map.optional_prefix = "resnet.";
    add_resnet_rules(map, "resnet.", "");
    map.rules.push_back({{"classifier.1.*"}, {"fc.*"}});
    return map;
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
