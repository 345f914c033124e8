// DETR against transformers', and its files by the original's names.
#include <cmath>
#include <limits>

#include <gloss/io/module_file.hpp>
#include <gloss/models/detr.hpp>
#include <gloss/models/detr_config.hpp>
#include <gloss/models/detr_loss.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

using Inputs = std::vector<Tensor<double>>;
template <class T>
using Detr = models::DetrForObjectDetection<T>;

template <class T>
models::DetrInput<T> input(const ModelGolden<Detr<T>>& g) {
  return {g.numbers("pixel_values"), g.ids("pixel_mask")};
}

template <class T>
std::vector<models::DetrTarget<T>> targets(const ModelGolden<Detr<T>>& g) {
  std::vector<models::DetrTarget<T>> out;
  for (const std::string image : {"0", "1"})
    out.push_back({g.ids("labels." + image + ".class_labels"), g.numbers("labels." + image + ".boxes")});
  return out;
}

template <class T>
void check(const std::string& name) {
  INFO(name);
  ModelGolden<Detr<T>> g(name);
  if (name == "detr_paper") g.model.model.config.feeds_normed_layers = false;
  const auto all = g.model.predictions(input(g));
  CHECK(all.size() == (name == "detr_auxiliary" ? 3 : name == "detr_paper" ? 2 : 1));
  g.check("logits", all[0].logits);
  g.check("pred_boxes", all[0].boxes);
  const auto trunk = g.model.model(input(g));
  g.check("last_hidden_state", trunk.last_hidden_state);
  g.check("encoder_last_hidden_state", trunk.encoder_last_hidden_state);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto parts = models::detr_loss_parts(all[i], targets(g), g.model.config.weights());
    const std::string end = i == 0 ? "" : "_" + std::to_string(i - 1);
    g.check("loss_ce" + end, parts.ce);
    g.check("loss_bbox" + end, parts.bbox);
    g.check("loss_giou" + end, parts.giou);
    g.check("cardinality_error" + end, full<T>({}, static_cast<T>(parts.cardinality_error)));
  }
  g.check_saved();
  {
    const NoGradGuard no_grad;
    g.check("logits", g.model(input(g)).logits);
  }
  if (name != "detr_paper") return g.check_loss(g.model.loss(input(g), targets(g)));
  g.check_loss(models::detr_loss(g.model.predictions(input(g)), targets(g), g.model.config.weights()));
}

models::DetrConfig tiny() {
  return {.backbone_config =
              {.resnet = {.embedding_size = 4, .hidden_sizes = {4, 6, 8}, .depths = {1, 1, 1}, .layer_type = "basic"}},
          .num_queries = 5,
          .d_model = 8,
          .encoder_layers = 1,
          .encoder_ffn_dim = 12,
          .encoder_attention_heads = 2,
          .decoder_layers = 2,
          .decoder_ffn_dim = 12,
          .decoder_attention_heads = 2,
          .num_labels = 3};
}

/// Two images of four queries, two classes.
models::DetrPrediction<double> sure() {
  const double yes = 9, no = -9;
  return {Tensor<double>{{{no, no, yes}, {yes, no, no}, {no, yes, no}, {no, no, yes}},
                         {{no, no, yes}, {no, no, yes}, {no, no, yes}, {1, 2, 0}}},
          Tensor<double>{{{0.5, 0.5, 1, 1}, {0.25, 0.25, 0.5, 0.5}, {0.75, 0.5, 0.5, 1}, {0.1, 0.1, 0.1, 0.1}},
                         {{0.5, 0.5, 1, 1}, {0.2, 0.2, 0.2, 0.2}, {0.3, 0.3, 0.1, 0.1}, {0.6, 0.4, 0.2, 0.4}}}};
}

}  // namespace

TEST_CASE("detr: it is transformers', matches, losses and all gradients") {
  for (const char* name : {"detr", "detr_bottleneck", "detr_auxiliary", "detr_paper"}) {
    check<float>(name);
    check<double>(name);
  }
}

TEST_CASE("detr: the original's files, and those with timm's names for the eyes") {
  const ModelGolden<Detr<double>> g("detr");
  const std::string file = GLOSS_TEST_DATA "/models/detr_original/model.safetensors";
  Detr<double> model(g.model.config);
  io::load(model, file, {.keys = Detr<double>::original_keys()});
  model.eval();
  g.check("logits", model(input(g)).logits);
  g.check("pred_boxes", model(input(g)).boxes);
  std::vector<std::string> timm = {"model.backbone.conv_encoder.model.conv1.weight",
                                   "model.backbone.conv_encoder.model.layer3.0.downsample.1.running_var",
                                   "model.backbone.conv_encoder.model.layer3.0.downsample.1.num_batches_tracked"};
  const auto sources = Detr<double>::keys().sources(timm);
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].ours == "model.backbone.conv1.weight");
  CHECK(sources[1].ours == "model.backbone.layer3.0.downsample.1.running_var");
}

TEST_CASE("detr: what a config says of the eyes") {
  const auto read = [](const std::string& text) { return io::parse_config<models::DetrConfig>(text).resnet(); };
  CHECK(read("{}").depths == std::vector<Index>{3, 4, 6, 3});
  CHECK(read(R"({"backbone": "resnet101", "use_timm_backbone": true, "backbone_config": null})").depths[2] == 23);
  CHECK(read(R"({"backbone_config": {"model_type": "timm_backbone", "backbone": "resnet18"}})").layer_type == "basic");
  CHECK(read(R"({"backbone": null, "backbone_config": {"model_type": "resnet", "depths": [1, 1, 1, 2]}})").depths[3] ==
        2);
  CHECK(read(R"({"dilation": true})").dilation);
  CHECK(read("{}").frozen_batch_norm);
  const auto named =
      io::parse_config<models::DetrConfig>(R"({"backbone": "resnet34", "num_channels": 1})").with_sizes();
  CHECK(named.backbone.empty());
  CHECK(named.backbone_config.resnet.hidden_sizes == std::vector<Index>{64, 128, 256, 512});
  CHECK(named.backbone_config.resnet.num_channels == 1);
  CHECK_ERROR(read(R"({"backbone": "efficientnet_b0"})"), Error,
              "DetrConfig: the backbone efficientnet_b0 is not known, resnet50 and its like are");
  CHECK_ERROR(read(R"({"backbone_config": {"model_type": "swin"}})"), Error,
              "DetrConfig: a backbone of type swin is not known, a resnet is");
  models::DetrConfig c = tiny();
  c.position_embedding_type = "none";
  CHECK_ERROR(Detr<float>(c), Error, "DetrConfig: position_embedding_type none is neither sine nor learned");
}

TEST_CASE("detr: a mask of ones is none, and a padded image does not see its neighbour") {
  Detr<double> model(tiny());
  model.eval();
  const Tensor<double> image = randn<double>({1, 3, 32, 48}), other = randn<double>({1, 3, 64, 64});
  const auto alone = model({image});
  const auto same = model({image, ones<std::int64_t>({1, 32, 48})});
  CHECK(equal(alone.logits, same.logits));
  Tensor<double> padded = zeros<double>({2, 3, 64, 64});
  padded.select(0, 0).slice(1, 0, 32).slice(2, 0, 48).copy_(image[0]);
  padded.select(0, 1).copy_(other[0]);
  Tensor<std::int64_t> mask = ones<std::int64_t>({2, 64, 64});
  mask.select(0, 0).slice(0, 32, 64).fill_(0), mask.select(0, 0).slice(1, 48, 64).fill_(0);
  const auto batch = model({padded, mask});
  CHECK(batch.boxes.shape() == Shape{2, 5, 4});
  padded.select(0, 1).zero_();
  const auto again = model({padded, mask});
  CHECK(allclose(batch.boxes[0], again.boxes[0], {.rtol = 1e-12, .atol = 1e-12}));
  CHECK_FALSE(allclose(batch.boxes[1], again.boxes[1]));
}

TEST_CASE("detr: every member is visited, dropout is where it should be") {
  for (const char* positions : {"sine", "learned"}) {
    models::DetrConfig c = tiny();
    c.position_embedding_type = positions;
    c.frozen_batch_norm = false;
    Detr<float> model(c);
    nn::check(model);
    const models::DetrInput<float> in{randn<float>({2, 3, 40, 52})};
    CHECK_FALSE(equal(model(in).logits, model(in).logits));
    model.eval();
    CHECK(equal(model(in).logits, model(in).logits));
  }
  models::DetrConfig c = tiny();
  c.dropout = 0;
  Detr<float> sober(c);
  const models::DetrInput<float> in{randn<float>({1, 3, 40, 52})};
  CHECK(equal(sober(in).logits, sober(in).logits));
  c.activation_dropout = 0.5;
  CHECK_FALSE(equal(Detr<float>(c)(in).logits, Detr<float>(c)(in).logits));
}

TEST_CASE("detr: the pairs that cost least, also where costs are infinite or there is nothing to be found") {
  const auto p = sure();
  const std::vector<models::DetrTarget<double>> targets = {
      {Tensor<std::int64_t>{1, 0}, Tensor<double>{{0.75, 0.5, 0.5, 1}, {0.25, 0.25, 0.5, 0.5}}},
      {empty<std::int64_t>({0}), empty<double>({0, 4})}};
  const auto pairs = models::detr_match(p, targets);
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].rows.at({0}) == 1);
  CHECK(pairs[0].columns.at({0}) == 1);
  CHECK(pairs[0].rows.at({1}) == 2);
  CHECK(pairs[0].columns.at({1}) == 0);
  CHECK(pairs[1].rows.numel() == 0);
  auto broken = sure();
  broken.boxes.at({0, 2, 0}) = std::numeric_limits<double>::quiet_NaN();  // the best, were it a box
  broken.boxes.at({0, 0, 2}) = std::numeric_limits<double>::infinity();
  const auto others = models::detr_match(broken, targets);
  CHECK(others[0].rows.at({0}) == 1);
  CHECK(others[0].rows.at({1}) == 3);
  const auto parts = models::detr_loss_parts(p, targets);
  CHECK(parts.bbox.item() == 0);
  CHECK(parts.giou.item() == 0);
  CHECK(parts.cardinality_error == 0.5);  // one too many in the second image
  const auto none = models::detr_loss_parts<double>(p, {targets[1], targets[1]});
  CHECK(none.bbox.item() == 0);
  CHECK(none.giou.item() == 0);
  CHECK(std::isfinite(none.ce.item()));
}

TEST_CASE("detr: more objects than queries are matched as far as they go") {
  const auto p = sure();
  models::DetrTarget<double> crowd{zeros<std::int64_t>({6}), full<double>({6, 4}, 0.5)};
  const auto pairs = models::detr_match(p, {crowd, crowd});
  CHECK(pairs[0].rows.numel() == 4);
  CHECK(std::isfinite(models::detr_loss<double>({p}, {crowd, crowd}).item()));
}

TEST_CASE("detr: the gradient of the loss by scores and boxes") {
  const std::vector<models::DetrTarget<double>> targets = {
      {Tensor<std::int64_t>{1, 0}, Tensor<double>{{0.7, 0.45, 0.5, 0.9}, {0.3, 0.2, 0.4, 0.5}}},
      {Tensor<std::int64_t>{1}, Tensor<double>{{0.55, 0.5, 0.3, 0.3}}}};
  CHECK(gradcheck(
      [&](const Inputs& in) {
        return models::detr_loss<double>({{in[0], sigmoid(in[1])}}, targets, {.eos_coefficient = 0.3});
      },
      {randn<double>({2, 4, 3}).requires_grad_(), randn<double>({2, 4, 4}).requires_grad_()}));
}

TEST_CASE("detr: what was found, in pixels, above a threshold") {
  const auto p = sure();
  const auto found = models::detr_detections(p, Tensor<std::int64_t>{{40, 60}, {20, 10}});
  REQUIRE(found.size() == 2);
  REQUIRE(found[0].labels.shape() == Shape{2});
  CHECK(found[0].labels.at({0}) == 0);
  CHECK(found[0].labels.at({1}) == 1);
  CHECK(allclose(found[0].boxes, Tensor<double>{{0, 0, 30, 20}, {30, 0, 60, 40}}));
  CHECK(found[0].scores.at({0}) > 0.999);
  REQUIRE(found[1].labels.shape() == Shape{1});
  CHECK(found[1].labels.at({0}) == 1);
  CHECK(allclose(found[1].boxes, Tensor<double>{{5, 4, 7, 12}}));
  const double e = std::exp(1.0);
  CHECK(std::abs(found[1].scores.at({0}) - e * e / (1 + e + e * e)) < 1e-12);
  const auto relative = models::detr_detections(p, {}, 0.9);
  CHECK(relative[1].labels.shape() == Shape{0});
  CHECK(relative[1].boxes.shape() == Shape{0, 4});
  CHECK(allclose(relative[0].boxes, Tensor<double>{{0, 0, 0.5, 0.5}, {0.5, 0, 1, 1}}));
  CHECK(models::detr_detections(p, {}, 0)[0].labels.shape() == Shape{4});
}

TEST_CASE("detr: what does not fit is said") {
  const auto p = sure();
  const auto target = [](std::vector<std::int64_t> labels, const Tensor<double>& boxes) {
    return models::DetrTarget<double>{from_vector(labels), boxes};
  };
  const Tensor<double> box{{0.5, 0.5, 1, 1}};
  CHECK_ERROR(models::detr_match(p, {target({0}, box)}), ShapeError, "detr: 1 targets for 2 images");
  CHECK_ERROR(models::detr_match(p, {target({0}, box), target({0, 1}, box)}), ShapeError,
              "detr: class_labels [2] and boxes [1, 4] of an image must be [n] and [n, 4]");
  CHECK_ERROR(models::detr_match(p, {target({0}, box), target({2}, box)}), IndexError,
              "detr: class label 2 is out of range for 2 classes");
  CHECK_ERROR(models::detr_match(p, {target({0}, box), target({0}, Tensor<double>{{0.5, 0.5, -1, 1}})}), Error,
              "detr: a box [0.5, 0.5, -1, 1] is no centre, width and height");
  CHECK_ERROR(models::detr_detections(p, Tensor<std::int64_t>{{40, 60}}), ShapeError,
              "detr_detections: sizes [1, 2] must be [2, 2]");
  Detr<float> model(tiny());
  CHECK_ERROR(model({zeros<float>({1, 1, 40, 40})}), ShapeError, "ResNet: x [1, 1, 40, 40] must be [n, 3, h, w]");
  CHECK_ERROR(model({zeros<float>({1, 3, 40, 40}), ones<std::int64_t>({1, 40, 30})}), ShapeError,
              "DetrModel: pixel_mask [1, 40, 30] must be [1, 40, 40]");
  models::DetrConfig c = tiny();
  c.position_embedding_type = "learned";
  CHECK_ERROR(Detr<float>(c)({zeros<float>({1, 3, 32, 832})}), IndexError,
              "embedding: id 50 is out of range for weight [50, 4]");
}
