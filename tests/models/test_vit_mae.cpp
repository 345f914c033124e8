// MAE against transformers'.
#include <gloss/io/module_file.hpp>
#include <gloss/models/vit_mae.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::Golden;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check_mae(const std::string& name) {
  ModelGolden<models::ViTMAEForPreTraining<T>> g(name);
  const auto x = g.numbers("pixel_values"), noise = g.numbers("noise");
  const models::ViTMAEOutput<T> y = g.model(x, noise);
  g.check("logits", y.logits);
  g.check("mask", y.mask.mask);
  CHECK(equal(y.mask.restore, g.golden.template tensor<std::int64_t>("out/ids_restore")));
  g.check_loss(g.model.loss(x, y));
  CHECK(equal(g.model.loss(x, noise), g.model.loss(x, y)));
  g.check_saved();
}

models::ViTMAEConfig tiny() {
  return {.hidden_size = 8,
          .num_hidden_layers = 2,
          .num_attention_heads = 2,
          .intermediate_size = 12,
          .image_size = 8,
          .patch_size = 2,
          .num_channels = 3,
          .decoder_num_attention_heads = 2,
          .decoder_hidden_size = 4,
          .decoder_num_hidden_layers = 1,
          .decoder_intermediate_size = 6};
}

}  // namespace

TEST_CASE("vit_mae: transformers', with the same noise") {
  for (const char* name : {"vit_mae", "vit_mae_normed", "vit_mae_resized"}) {
    check_mae<float>(name);
    check_mae<double>(name);
  }
}

TEST_CASE("vit_mae: the fixed positions are transformers'") {
  const Golden golden("models/vit_mae/positions.safetensors");
  const auto y = models::sine_positions<float>({4, 4}, 16), wanted = golden.tensor<float>("positions");
  CHECK(allclose(y, wanted, {.rtol = 1e-6, .atol = 1e-6}));
  models::ViTMAEConfig c = tiny();
  c.hidden_size = 16;
  models::ViTMAEForPreTraining<float> model(c);
  nn::check(model);
  CHECK(equal(model.vit.pos_embed.detach(), y));
  CHECK_FALSE(model.vit.pos_embed.requires_grad());
  CHECK_FALSE(model.decoder_pos_embed.requires_grad());
}

TEST_CASE("vit_mae: as many patches are hidden as mask_ratio says, others in each image") {
  manual_seed(5);
  const auto mask = models::random_masking(rand<double>({3, 10}), 0.75);
  REQUIRE(mask.kept.shape() == Shape{3, 2});
  CHECK(equal(sum(mask.mask, 1), full<double>({3}, 8)));
  for (Index b = 0; b < 3; ++b)
    for (Index i = 0; i < 2; ++i) {
      CHECK(mask.mask.at({b, mask.kept.at({b, i})}) == 0);
      CHECK(mask.restore.at({b, mask.kept.at({b, i})}) == i);
    }
  models::ViTMAEForPreTraining<double> model(tiny());
  const Tensor<double> x = randn<double>({2, 3, 8, 8});
  CHECK_FALSE(equal(model(x).mask.mask, model(x).mask.mask));
}

TEST_CASE("vit_mae: what is hidden does not reach the encoder") {
  manual_seed(6);
  models::ViTMAEForPreTraining<double> model(tiny());
  const Tensor<double> x = randn<double>({1, 3, 8, 8}), noise = rand<double>({1, 16});
  const auto y = model(x, noise);
  const auto shown = model.pictures(x, y, 9);
  CHECK(equal(model(shown.masked, noise).logits, y.logits));  // 9 where something is hidden
  CHECK(equal(shown.masked != 9.0, shown.masked == x));
}

TEST_CASE("vit_mae: the pictures show what was seen and what was said") {
  manual_seed(7);
  for (const bool normed : {false, true}) {
    models::ViTMAEConfig c = tiny();
    c.norm_pix_loss = normed;
    models::ViTMAEForPreTraining<double> model(c);
    const Tensor<double> x = randn<double>({2, 3, 8, 8});
    auto y = model(x);
    // a decoder that is right everywhere
    const Tensor<double> real = rearrange(x, "b c (h p) (w q) -> b (h w) (p q c)", {{"p", 2}, {"q", 2}});
    y.logits =
        normed ? (real - mean(real, -1, {.keepdim = true})) / sqrt(var(real, -1, {.keepdim = true}) + 1e-6) : real;
    CHECK(model.loss(x, y).item() < 1e-20);
    CHECK(allclose(model.pictures(x, y).reconstructed, x));
  }
}

TEST_CASE("vit_mae: its encoder becomes a classifier") {
  manual_seed(8);
  models::ViTMAEForPreTraining<float> mae(tiny());
  models::ViTConfig config = mae.config.encoder();
  config.num_labels = 5, config.pooling = "mean", config.fc_norm = true;
  const auto model = models::classifier_from(mae, config);
  const Tensor<float> x = randn<float>({2, 3, 8, 8});
  CHECK(model(x).shape() == Shape{2, 5});
  CHECK(equal(model.vit.blocks[1].mlp.fc1.weight, mae.vit.blocks[1].mlp.fc1.weight));
  CHECK(equal(model.vit.pos_embed, mae.vit.pos_embed));
  CHECK(model.vit.pos_embed.requires_grad());
  config.hidden_size = 12;
  CHECK_THROWS_AS(models::classifier_from(mae, config), LoadError);
  // by way of a folder, where transformers' ViT finds it too
  const TempFolder temp;
  io::save_pretrained(mae, temp.file("mae"));
  config = mae.config.encoder();
  const auto read =
      io::from_pretrained<models::ViTForImageClassification<float>>(temp.file("mae"), config, {.new_parts = true});
  CHECK(equal(read.vit.norm->weight, mae.vit.norm->weight));
  CHECK(equal(read.vit.patch_embed.weight, mae.vit.patch_embed.weight));
}

TEST_CASE("vit_mae: Meta's names, and those of older files of transformers") {
  using Model = models::ViTMAEForPreTraining<float>;
  Model model(tiny());
  const TempFolder temp;
  io::save(model, temp.file("meta.safetensors"), {}, Model::meta_keys());
  const auto file = io::load_safetensors(temp.file("meta.safetensors"));
  for (const char* name :
       {"cls_token", "pos_embed", "blocks.1.attn.qkv.weight", "norm.bias", "mask_token", "decoder_embed.weight",
        "decoder_pos_embed", "decoder_blocks.0.mlp.fc2.bias", "decoder_norm.weight", "decoder_pred.bias"})
    CHECK(file.find(name) != nullptr);
  Model again(tiny());
  io::load(again, temp.file("meta.safetensors"), {.keys = Model::meta_keys()});
  CHECK(equal(again.decoder_pred.weight, model.decoder_pred.weight));

  std::vector<io::NamedTensor> older;
  for (const io::NamedTensor& t : io::named_tensors<float>(model, "", Model::keys())) {
    std::string name = t.stored().name;
    if (const auto at = name.find("decoder_encoder.layer."); at != std::string::npos)
      name.replace(at, std::string("decoder_encoder.layer.").size(), "decoder_layers.");
    Tensor<float> numbers = empty<float>(t.stored().shape);
    io::read_elements(t.stored(), numbers);
    older.push_back(io::NamedTensor(name, numbers));
  }
  io::save_safetensors(temp.file("older.safetensors"), older);
  Model oldest(tiny());
  io::load(oldest, temp.file("older.safetensors"), {.keys = Model::keys()});
  CHECK(equal(oldest.decoder_blocks[0].attn.qkv.weight, model.decoder_blocks[0].attn.qkv.weight));
}

TEST_CASE("vit_mae: what does not fit is said") {
  models::ViTMAEForPreTraining<float> model(tiny());
  CHECK_ERROR(model(zeros<float>({1, 3, 8, 8}), zeros<float>({1, 15})), ShapeError,
              "ViTMAEForPreTraining: noise [1, 15] must be [1, 16]");
  models::ViTMAEConfig c = tiny();
  c.mask_ratio = 1;
  CHECK_ERROR(models::ViTMAEForPreTraining<float>(c), Error, "ViTMAEConfig: mask_ratio 1 is not in [0, 1)");
  c = tiny();
  c.hidden_size = 6;
  CHECK_ERROR(models::ViTMAEForPreTraining<float>(c), Error,
              "ViTMAEConfig: hidden_size 6 and decoder_hidden_size 4 must be multiples of 4");
}
