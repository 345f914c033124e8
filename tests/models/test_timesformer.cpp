// TimeSformer against transformers', and its parts.
#include <gloss/models/timesformer.hpp>
#include <gloss/nn/check.hpp>
#include <gloss/nn/taps.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check_trunk(const std::string& name) {
  ModelGolden<models::TimesformerModel<T>> g(name);
  const std::vector<std::string> parts = {"embeddings", "encoder.layer.0", "encoder.layer.1"};
  const nn::Taps<T> taps(g.model, parts);
  models::TimesformerAttentions<T> attentions;
  const Tensor<T> y = g.model(g.numbers("pixel_values"), &attentions);
  g.check("last_hidden_state", y);
  Tensor<T> loss = g.weighed("last_hidden_state", y);
  const auto add = [&](const std::string& key, const Tensor<T>& x) {
    INFO(key);
    g.check(key, x);
    loss = loss + g.weighed(key, x);
  };
  for (std::size_t i = 0; i < parts.size(); ++i) add("hidden_" + std::to_string(i), taps[parts[i]]);
  CHECK(attentions.space.size() == 2);
  CHECK(attentions.time.size() == (g.model.config.is_divided() ? 2 : 0));
  for (std::size_t i = 0; i < attentions.space.size(); ++i) add("space_" + std::to_string(i), attentions.space[i]);
  for (std::size_t i = 0; i < attentions.time.size(); ++i) add("time_" + std::to_string(i), attentions.time[i]);
  g.check_loss(loss);
  g.check_saved();
}

template <class T>
void check_classes() {
  ModelGolden<models::TimesformerForVideoClassification<T>> g("timesformer_classes");
  g.check("logits", g.model(g.numbers("pixel_values")));
  g.check_loss(g.model.loss(g.numbers("pixel_values"), g.ids("labels")));
  g.check_saved();
}

models::TimesformerConfig tiny() {
  return {.image_size = 8,
          .patch_size = 4,
          .num_frames = 3,
          .hidden_size = 8,
          .num_hidden_layers = 3,
          .num_attention_heads = 2,
          .intermediate_size = 12};
}

}  // namespace

TEST_CASE("timesformer: states, and weights through space and time, are transformers'") {
  for (const char* name : {"timesformer", "timesformer_resized", "timesformer_joint", "timesformer_frames"}) {
    check_trunk<float>(name);
    check_trunk<double>(name);
  }
}

TEST_CASE("timesformer: the classes are transformers'") {
  check_classes<float>();
  check_classes<double>();
}

TEST_CASE("timesformer: the authors' files load and have their names") {
  models::TimesformerForVideoClassification<float> model(tiny()), other(tiny());
  const io::KeyMap keys = models::timesformer_original_keys("timesformer.");
  const auto tensors = io::named_tensors<float>(model, "model_state.", keys);
  CHECK(tensors.size() == model.named_parameters().size());
  for (const char* name :
       {"model.cls_token", "model.pos_embed", "model.time_embed", "model.patch_embed.proj.weight",
        "model.blocks.2.temporal_norm1.weight", "model.blocks.0.temporal_attn.qkv.bias",
        "model.blocks.0.temporal_attn.proj.weight", "model.blocks.0.temporal_fc.bias", "model.blocks.1.norm1.bias",
        "model.blocks.1.attn.qkv.weight", "model.blocks.1.attn.proj.bias", "model.blocks.1.norm2.weight",
        "model.blocks.1.mlp.fc1.weight", "model.blocks.1.mlp.fc2.bias", "model.norm.weight", "model.head.bias"}) {
    INFO(name);
    CHECK(std::any_of(tensors.begin(), tensors.end(),
                      [&](const auto& t) { return t.stored().name == std::string("model_state.") + name; }));
  }
  const TempFolder temp;
  io::save_safetensors(temp.file("theirs.safetensors"), tensors);
  io::load_state_dict(other, io::open_tensor_file(temp.file("theirs.safetensors")),
                      {.keys = keys, .prefix = "model_state."});
  const Tensor<float> x = randn<float>({1, 3, 3, 8, 8});
  model.eval(), other.eval();
  CHECK(equal(model(x), other(x)));
}

TEST_CASE("timesformer: every member is visited, layers are dropped ever more, in training alone") {
  const Tensor<float> x = randn<float>({4, 3, 3, 8, 8});
  for (const char* type : {"divided_space_time", "joint_space_time", "space_only"}) {
    models::TimesformerConfig c = tiny();
    c.attention_type = type;
    c.drop_path_rate = 0.5;
    models::TimesformerForVideoClassification<float> model(c);
    nn::check(model);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(model.timesformer.layer[i].drop_path_rate == Approx(0.25 * static_cast<double>(i)));
    CHECK_FALSE(equal(model(x), model(x)));
    model.eval();
    CHECK(equal(model(x), model(x)));
    c.drop_path_rate = 0;
    for (double* rate : {&c.hidden_dropout_prob, &c.attention_probs_dropout_prob}) {
      *rate = 0.3;
      models::TimesformerModel<float> dropping(c);
      CHECK_FALSE(equal(dropping(x), dropping(x)));
      *rate = 0;
    }
    models::TimesformerModel<float> sober(c);
    CHECK(equal(sober(x), sober(x)));
  }
}

TEST_CASE("timesformer: only the order of frames tells a video from its reverse") {
  Tensor<double> x = randn<double>({1, 3, 3, 8, 8});
  const Tensor<double> reversed = flip(x, {1});
  models::TimesformerConfig c = tiny();
  models::TimesformerForVideoClassification<double> model(c);
  model.eval();
  CHECK(allclose(model(x), model(reversed), {.rtol = 1e-12, .atol = 1e-12}));  // the times begin as zeros
  nn::init::normal_(model.timesformer.embeddings.time_embeddings);
  CHECK_FALSE(allclose(model(x), model(reversed), {.rtol = 1e-6, .atol = 1e-6}));
}

TEST_CASE("timesformer: transformers takes a drop_path_rate of 0 as a whole number alone, and so none is saved") {
  const TempFolder temp;
  models::TimesformerConfig c = tiny();
  for (const double rate : {0.0, 0.25}) {
    c.drop_path_rate = rate;
    io::save_pretrained(models::TimesformerModel<float>(c), temp.file("saved"));
    const std::string text = read_file(temp.file("saved") + "/config.json");
    CHECK((text.find("drop_path_rate") == std::string::npos) == (rate == 0));
    const auto again = io::from_pretrained<models::TimesformerModel<float>>(temp.file("saved"));
    CHECK(again.config.drop_path_rate.value_or(0) == rate);
  }
}

TEST_CASE("timesformer: what does not fit is said") {
  models::TimesformerModel<float> model(tiny());
  CHECK_ERROR(model(zeros<float>({3, 3, 8, 8})), ShapeError,
              "TimesformerModel: video [3, 3, 8, 8] must be [batch, frames, channels, height, width]");
  CHECK_ERROR(model(zeros<float>({1, 0, 3, 8, 8})), ShapeError,
              "TimesformerModel: video [1, 0, 3, 8, 8] must be [batch, frames, channels, height, width]");
  CHECK_ERROR(model(zeros<float>({1, 2, 4, 8, 8})), ShapeError,
              "PatchEmbedding: images [2, 4, 8, 8] have 4 channels, not 3");
  CHECK_ERROR(model(zeros<float>({1, 2, 3, 8, 3})), ShapeError,
              "PatchEmbedding: images [2, 3, 8, 3] are smaller than a patch, 4 x 4");
  models::TimesformerConfig c = tiny();
  c.attention_type = "time_only";
  CHECK_ERROR(
      models::TimesformerModel<float>(c), Error,
      "TimesformerConfig: attention_type time_only is none of divided_space_time, joint_space_time, space_only");
  c = tiny();
  c.num_attention_heads = 3;
  CHECK_ERROR(models::TimesformerModel<float>(c), Error,
              "TimesformerConfig: hidden_size 8 is not a multiple of num_attention_heads 3");
  c = tiny();
  c.patch_size = 0;
  CHECK_ERROR(models::TimesformerModel<float>(c), Error, "TimesformerConfig: patch_size 0 is not positive");
}
