// ViT against transformers' and timm's.
#include <gloss/io/module_file.hpp>
#include <gloss/models/attention_rollout.hpp>
#include <gloss/models/vision_transformer.hpp>
#include <gloss/models/vit.hpp>
#include <gloss/nn/check.hpp>
#include <gloss/nn/taps.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::Golden;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check_trunk(const std::string& name) {
  ModelGolden<models::ViTModel<T>> g(name);
  std::vector<Tensor<T>> attentions;
  const auto y = g.model(g.numbers("pixel_values"), name == "vit" ? &attentions : nullptr);
  g.check("last_hidden_state", y.last_hidden_state);
  g.check("pooler_output", y.pooler_output);
  if (name == "vit") g.check("attentions", stack(attentions));
  g.check_loss(g.weighed("last_hidden_state", y.last_hidden_state) + g.weighed("pooler_output", y.pooler_output));
  g.check_saved();
}

template <class T, class Labels>
void check_classifier(const std::string& name, Labels labels) {
  ModelGolden<models::ViTForImageClassification<T>> g(name);
  const Tensor<T> x = g.numbers("pixel_values");
  g.check("logits", g.model(x));
  g.check_loss(g.model.loss(x, labels(g)));
  g.check_saved();
}

template <class T>
void check_classifiers() {
  for (const char* name : {"vit_classes", "vit_odd", "vit_tall"})
    check_classifier<T>(name, [](const auto& g) { return g.ids("labels"); });
  for (const char* name : {"vit_number", "vit_many_labels"})
    check_classifier<T>(name, [](const auto& g) { return g.numbers("labels"); });
}

/// A file with timm's names: scores, gradients of all weights, and what is saved again.
template <class T>
void check_timm(const std::string& name, models::ViTConfig config) {
  INFO(name);
  using Model = models::ViTForImageClassification<T>;
  const std::string file = GLOSS_TEST_DATA "/models/" + name + "/model.safetensors";
  const Golden golden("models/" + name + "/golden.safetensors");
  const auto number = [&](const std::string& key) { return cast<T>(golden.tensor<double>(key)); };
  Model model(config);
  io::load(model, file, {.keys = Model::timm_keys()});
  model.eval();
  const Tensor<T> y = model(number("in/x"));
  const double digits = std::is_same_v<T, float> ? 1e-5 : 1e-9;
  CHECK(allclose(y, number("out/logits"), {.rtol = digits, .atol = digits}));
  sum(y * number("in/w")).backward();
  Model gradients(config);
  const auto to = gradients.named_parameters(), from = model.named_parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].second.detach().copy_(from[i].second.grad());
  Index found = 0;
  for (const auto& t : io::named_tensors<T>(gradients, "", Model::timm_keys())) {
    INFO(t.stored().name);
    Tensor<T> g = empty<T>(t.stored().shape);
    io::read_elements(t.stored(), g);
    CHECK(allclose(g, number("grad/" + t.stored().name), {.rtol = 10 * digits, .atol = 10 * digits}));
    ++found;
  }
  CHECK(found == static_cast<Index>(io::load_safetensors(file).tensors().size()));
}

models::ViTConfig tiny() {
  return {.hidden_size = 8,
          .num_hidden_layers = 3,
          .num_attention_heads = 2,
          .intermediate_size = 12,
          .image_size = 8,
          .patch_size = 4,
          .num_channels = 1,
          .num_labels = 3};
}

models::ViTConfig timm() {
  models::ViTConfig c = tiny();
  c.num_hidden_layers = 2, c.num_channels = 3, c.layer_norm_eps = 1e-6;
  return c;
}

}  // namespace

TEST_CASE("vit: the trunk is transformers', with its attentions") {
  for (const char* name : {"vit", "vit_pooler"}) {
    check_trunk<float>(name);
    check_trunk<double>(name);
  }
}

TEST_CASE("vit: the classifiers are transformers', in float") { check_classifiers<float>(); }
TEST_CASE("vit: the classifiers are transformers', in double") { check_classifiers<double>(); }

TEST_CASE("vit: timm's models") {
  const auto both = [](const std::string& name, const models::ViTConfig& c) {
    check_timm<float>(name, c);
    check_timm<double>(name, c);
  };
  both("timm_token", timm());
  models::ViTConfig c = timm();
  c.pooling = "mean", c.fc_norm = true, c.num_register_tokens = 2, c.class_position = false;
  c.layer_scale = 0.3, c.qkv_bias = false;
  both("timm_mean", c);
  c = timm();
  c.pooling = "mean", c.class_token = false;
  both("timm_no_class", c);
}

TEST_CASE("vit: every member is visited; dropout and drop path are for training") {
  manual_seed(3);
  models::ViTConfig c = tiny();
  c.layer_scale = 1, c.num_register_tokens = 2, c.pooling = "mean", c.fc_norm = true;
  const Tensor<double> x = randn<double>({4, 1, 8, 8});
  const auto draws = [&](const models::ViTConfig& config) {
    models::ViTForImageClassification<double> model(config);
    nn::check(model);
    model.eval();
    CHECK(equal(model(x), model(x)));
    model.train();
    return !equal(model(x), model(x));
  };
  CHECK_FALSE(draws(c));
  for (double* p : {&c.hidden_dropout_prob, &c.attention_probs_dropout_prob, &c.drop_path_rate}) {
    *p = 0.5;
    CHECK(draws(c));
    *p = 0;
  }
  c.drop_path_rate = 0.6;
  models::ViTForImageClassification<double> model(c);
  CHECK(model.vit.blocks[0].drop_path.drop_prob == 0);
  CHECK(model.vit.blocks[1].drop_path.drop_prob == 0.3);
  CHECK(model.vit.blocks[2].drop_path.drop_prob == 0.6);
}

TEST_CASE("vit: what is only ours is saved and loaded again") {
  manual_seed(4);
  models::ViTConfig c = tiny();
  c.layer_scale = 0.5, c.num_register_tokens = 1, c.pooling = "mean", c.fc_norm = true;
  models::ViTForImageClassification<float> model(c);
  model.eval();
  const TempFolder temp;
  io::save_pretrained(model, temp.file("saved"));
  const auto again = io::from_pretrained<models::ViTForImageClassification<float>>(temp.file("saved"));
  const Tensor<float> x = randn<float>({1, 1, 8, 12});
  CHECK(equal(model(x), again(x)));
}

TEST_CASE("vit: layers by name, and a head of its own on features") {
  models::ViTForImageClassification<float> model(tiny());
  model.eval();
  const Tensor<float> x = randn<float>({2, 1, 8, 8});
  const nn::Taps<float> taps(model, {"vit.blocks.1", "vit.patch_embed"});
  const Tensor<float> y = model(x);
  CHECK(taps["vit.blocks.1"].shape() == Shape{2, 5, 8});
  CHECK(taps["vit.patch_embed"].shape() == Shape{2, 4, 8});
  CHECK(equal(model.head(model.features(x)), y));
}

TEST_CASE("vit: rollout of its attentions is a share of each token") {
  models::ViTModel<double> model(tiny(), false);
  model.eval();
  std::vector<Tensor<double>> attentions;
  CHECK_FALSE(model(randn<double>({2, 1, 8, 8}), &attentions).pooler_output.defined());
  const Tensor<double> rollout = models::attention_rollout(attentions);
  REQUIRE(rollout.shape() == Shape{2, 5, 5});
  CHECK(allclose(sum(rollout, -1), ones<double>({2, 5})));
}

TEST_CASE("vit: what does not fit is said") {
  models::ViTForImageClassification<float> model(tiny());
  CHECK_ERROR(model(zeros<float>({1, 3, 8, 8})), ShapeError,
              "PatchEmbedding: images [1, 3, 8, 8] have 3 channels, not 1");
  const auto refused = [](auto change) {
    models::ViTConfig c = tiny();
    change(c);
    return models::ViTForImageClassification<float>(c);
  };
  CHECK_ERROR(refused([](auto& c) { c.patch_size = 9; }), Error, "ViTConfig: an image_size of 8 has no patch of 9");
  CHECK_ERROR(refused([](auto& c) { c.pooling = "max"; }), Error, "ViTConfig: pooling 'max' is neither token nor mean");
  CHECK_ERROR(refused([](auto& c) { c.class_token = false; }), Error,
              "ViTConfig: pooling is 'token', and there is no class token");
  CHECK_ERROR(refused([](auto& c) { c.num_attention_heads = 3; }), Error,
              "ViTAttention: the width 8 is not a multiple of 3 heads");
  models::VisionTransformer<float> trunk({.block = {.width = 8, .heads = 2}, .depth = 1, .image_size = 32});
  const Tensor<bool> masked = zeros<bool>({1, 4});
  CHECK_ERROR(trunk(zeros<float>({1, 3, 32, 32}), nullptr, masked), Error,
              "VisionTransformer: patches are masked, and there is no mask token");
  models::VisionTransformer<float> masks(
      {.block = {.width = 8, .heads = 2}, .depth = 1, .image_size = 32, .mask_token = true});
  CHECK_ERROR(masks(zeros<float>({2, 3, 32, 32}), nullptr, masked), ShapeError,
              "VisionTransformer: masked [1, 4] must be [2, 4]");
}
