// Swin against transformers', and its parts.
#include <gloss/models/swin.hpp>
#include <gloss/nn/check.hpp>
#include <gloss/nn/taps.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check_trunk(const std::string& name) {
  ModelGolden<models::SwinModel<T>> g(name);
  std::vector<std::string> parts = {"embeddings"};
  for (std::size_t s = 0; s < g.model.layers.size(); ++s) parts.push_back("encoder.layers." + std::to_string(s));
  const nn::Taps<T> taps(g.model, parts);
  const auto y = g.model(g.numbers("pixel_values"));
  g.check("last_hidden_state", y.last_hidden_state);
  g.check("pooler_output", y.pooler_output);
  Tensor<T> loss = g.weighed("last_hidden_state", y.last_hidden_state) + g.weighed("pooler_output", y.pooler_output);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string key = "hidden_" + std::to_string(i);
    const Tensor<T> state = taps[parts[i]].flatten(1, 2);
    g.check(key, state);
    loss = loss + g.weighed(key, state);
  }
  g.check_loss(loss);
  g.check_saved();
}

template <class T>
void check_classes() {
  ModelGolden<models::SwinForImageClassification<T>> g("swin_classes");
  g.check("logits", g.model(g.numbers("pixel_values")));
  g.check_loss(g.model.loss(g.numbers("pixel_values"), g.ids("labels")));
  g.check_saved();
}

models::SwinConfig tiny() {
  return {.image_size = 16,
          .patch_size = 2,
          .num_channels = 3,
          .embed_dim = 4,
          .depths = {2, 3},
          .num_heads = {1, 2},
          .window_size = 3};
}

/// The names that the authors' files, or timm's, have for a model's tensors, by the rules read backwards.
std::vector<std::string> names(const models::SwinForImageClassification<float>& model, bool of_timm) {
  std::vector<std::string> found;
  for (const auto& t : io::named_tensors<float>(model, "", models::swin_original_keys("swin.", of_timm)))
    found.push_back(t.stored().name);
  return found;
}

}  // namespace

TEST_CASE("swin: the trunk and the states of its stages are transformers'") {
  for (const char* name : {"swin", "swin_even", "swin_resized", "swin_shrunk"}) {
    check_trunk<float>(name);
    check_trunk<double>(name);
  }
}

TEST_CASE("swin: the classes are transformers'") {
  check_classes<float>();
  check_classes<double>();
}

TEST_CASE("swin: the authors' files and timm's load and have their names") {
  models::SwinForImageClassification<float> model(tiny());
  for (const bool of_timm : {false, true}) {
    const auto found = names(model, of_timm);
    const auto has = [&](const char* name) { return std::find(found.begin(), found.end(), name) != found.end(); };
    for (const char* name :
         {"patch_embed.proj.weight", "patch_embed.norm.bias", "layers.1.blocks.2.norm1.weight",
          "layers.0.blocks.1.attn.qkv.bias", "layers.0.blocks.0.attn.relative_position_bias_table",
          "layers.1.blocks.0.attn.proj.weight", "layers.1.blocks.0.norm2.bias", "layers.1.blocks.0.mlp.fc1.weight",
          "layers.1.blocks.0.mlp.fc2.bias", "norm.weight", of_timm ? "head.fc.weight" : "head.weight",
          of_timm ? "layers.1.downsample.reduction.weight" : "layers.0.downsample.reduction.weight"}) {
      INFO(name);
      CHECK(has(name));
    }
    CHECK(found.size() == model.named_parameters().size());
    const TempFolder temp;
    const io::KeyMap keys = models::swin_original_keys("swin.", of_timm);
    auto tensors = io::named_tensors<float>(model, "", keys);
    tensors.push_back({"layers.0.blocks.1.attn_mask", zeros<float>({4, 9, 9})});
    tensors.push_back({"layers.0.blocks.1.attn.relative_position_index", zeros<std::int64_t>({9, 9})});
    io::save_safetensors(temp.file("theirs.safetensors"), tensors);
    models::SwinForImageClassification<float> other(tiny());
    io::load_state_dict(other, io::open_tensor_file(temp.file("theirs.safetensors")), {.keys = keys});
    const Tensor<float> x = randn<float>({1, 3, 16, 16});
    model.eval(), other.eval();
    CHECK(equal(model(x), other(x)));
  }
}

TEST_CASE("swin: every member is visited, layers are dropped ever more, in training alone") {
  models::SwinConfig c = tiny();
  c.use_absolute_embeddings = true;
  c.drop_path_rate = 0.4;
  models::SwinForImageClassification<float> model(c);
  nn::check(model);
  std::vector<double> rates;
  for (const auto& stage : model.swin.layers)
    for (const auto& block : stage.blocks) rates.push_back(block.drop_path_rate);
  REQUIRE(rates.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(rates[i] == Approx(0.1 * static_cast<double>(i)));
  const Tensor<float> x = randn<float>({4, 3, 16, 16});
  model.eval();
  CHECK(equal(model(x), model(x)));
  model.train();
  CHECK_FALSE(equal(model(x), model(x)));
  c.drop_path_rate = 0;
  for (double* rate : {&c.hidden_dropout_prob, &c.attention_probs_dropout_prob}) {
    *rate = 0.3;
    models::SwinModel<float> dropping(c);
    CHECK_FALSE(equal(dropping(x).pooler_output, dropping(x).pooler_output));
    *rate = 0;
  }
  models::SwinModel<float> sober(c);
  CHECK(equal(sober(x).pooler_output, sober(x).pooler_output));
}

TEST_CASE("swin: what a shifted window brings together from two sides of a map does not mix") {
  // In the second layer the last rows and the first lie in one window: a change of the last must not reach the first.
  models::SwinConfig c = tiny();
  c.depths = {2}, c.num_heads = {1};
  models::SwinModel<double> model(c);
  model.eval();
  Tensor<double> x = randn<double>({1, 3, 24, 24});
  const auto before = model(x).last_hidden_state.view({12, 12, 4}).clone();
  x.narrow(2, 22, 2).fill_(3);
  const auto after = model(x).last_hidden_state.view({12, 12, 4});
  CHECK(equal(before.narrow(0, 0, 6), after.narrow(0, 0, 6)));
  CHECK_FALSE(equal(before.narrow(0, 11, 1), after.narrow(0, 11, 1)));
}

TEST_CASE("swin: what does not fit is said") {
  models::SwinModel<float> model(tiny());
  CHECK_ERROR(model(zeros<float>({3, 16, 16})), ShapeError,
              "SwinModel: images [3, 16, 16] must be [batch, channels, height, width]");
  CHECK_ERROR(model(zeros<float>({1, 4, 16, 16})), ShapeError,
              "PatchEmbedding: images [1, 4, 16, 16] have 4 channels, not 3");
  models::SwinConfig c = tiny();
  c.num_heads = {1, 3};
  CHECK_ERROR(models::SwinModel<float>(c), Error, "SwinConfig: stage 1 is 8 wide, which 3 heads do not divide");
  c.num_heads = {1};
  CHECK_ERROR(models::SwinModel<float>(c), Error, "SwinConfig: 2 depths and 1 num_heads");
  c = tiny();
  c.patch_size = 0;
  CHECK_ERROR(models::SwinModel<float>(c), Error, "SwinConfig: patch_size 0 is not positive");
  c = tiny();
  c.mlp_ratio = -1;
  CHECK_ERROR(models::SwinModel<float>(c), Error, "SwinConfig: mlp_ratio -1 is not in (0, 1024]");
}
