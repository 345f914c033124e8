// DINOv2 against transformers'.
#include <gloss/io/module_file.hpp>
#include <gloss/models/dinov2.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class M>
void check_trunk(const std::string& name) {
  ModelGolden<M> g(name);
  Tensor<bool> masked;
  if (g.golden.has("in/masked")) masked = g.ids("masked") != 0;
  const auto y = g.model(g.numbers("pixel_values"), nullptr, masked);
  g.check("last_hidden_state", y);
  g.check_loss(g.weighed("last_hidden_state", y));
  g.check_saved();
}

template <class M>
void check_classifier(const std::string& name) {
  ModelGolden<M> g(name);
  const auto x = g.numbers("pixel_values");
  g.check("logits", g.model(x));
  g.check_loss(g.model.loss(x, g.ids("labels")));
  g.check_saved();
}

template <class T>
void check_all() {
  check_trunk<models::Dinov2Model<T>>("dinov2");
  check_trunk<models::Dinov2Model<T>>("dinov2_gated");
  check_trunk<models::Dinov2WithRegistersModel<T>>("dinov2_registers");
  check_classifier<models::Dinov2ForImageClassification<T>>("dinov2_classes");
  check_classifier<models::Dinov2WithRegistersForImageClassification<T>>("dinov2_registers_classes");
}

}  // namespace

TEST_CASE("dinov2: transformers', in float") { check_all<float>(); }
TEST_CASE("dinov2: transformers', in double") { check_all<double>(); }

TEST_CASE("dinov2: Meta's names") {
  models::Dinov2WithRegistersConfig c;
  c.hidden_size = 8, c.num_hidden_layers = 1, c.num_attention_heads = 2, c.mlp_ratio = 2, c.use_swiglu_ffn = true;
  c.image_size = 8, c.patch_size = 4, c.num_register_tokens = 2;
  using Model = models::Dinov2WithRegistersModel<float>;
  Model model(c);
  nn::check(model);
  std::string names;
  for (const auto& t : io::named_tensors<float>(model, "", Model::meta_keys())) names += t.stored().name + " ";
  CHECK(names ==
        "cls_token register_tokens mask_token pos_embed patch_embed.proj.weight patch_embed.proj.bias "
        "blocks.0.norm1.weight blocks.0.norm1.bias blocks.0.attn.qkv.weight blocks.0.attn.qkv.bias "
        "blocks.0.attn.proj.weight blocks.0.attn.proj.bias blocks.0.ls1.gamma blocks.0.norm2.weight "
        "blocks.0.norm2.bias blocks.0.mlp.w12.weight blocks.0.mlp.w12.bias blocks.0.mlp.w3.weight "
        "blocks.0.mlp.w3.bias blocks.0.ls2.gamma norm.weight norm.bias ");
  const TempFolder temp;
  io::save(model, temp.file("meta.safetensors"), {}, Model::meta_keys());
  Model again(c);
  io::load(again, temp.file("meta.safetensors"), {.keys = Model::meta_keys()});
  const Tensor<float> x = randn<float>({1, 3, 8, 8});
  CHECK(equal(again(x), model(x)));
}

TEST_CASE("dinov2: drop path is the same in all blocks, and sizes are checked") {
  models::Dinov2Config c;
  c.hidden_size = 8, c.num_hidden_layers = 2, c.num_attention_heads = 2, c.image_size = 28, c.drop_path_rate = 0.25;
  const models::Dinov2Model<float> model(c);
  CHECK(model.vit.blocks[0].drop_path.drop_prob == 0.25);
  CHECK(model.vit.blocks[1].drop_path.drop_prob == 0.25);
  c.image_size = 13;
  CHECK_ERROR(models::Dinov2Model<float>(c), Error, "Dinov2Config: an image_size of 13 has no patch of 14");
}
