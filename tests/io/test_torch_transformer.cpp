// A state dict of nn.Transformer as PyTorch saves it. scripts/exchange_transformer.py --golden wrote the files, and
// does the same with the default size, both ways.
#include <map>
#include <string>

#include <gloss/io/module_file.hpp>
#include <gloss/nn/transformer.hpp>

#include "support/golden.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

const std::string model_file = GLOSS_TEST_DATA "/torch_transformer.safetensors";
nn::Transformer<float> small_model() {
  return nn::Transformer<float>(16, 4, {.num_encoder_layers = 1, .num_decoder_layers = 2, .dim_feedforward = 24});
}

}  // namespace

TEST_CASE("Transformer: PyTorch's file loads strictly and gives PyTorch's output") {
  nn::Transformer<float> model = small_model();
  io::load(model, model_file);
  model.eval();
  const gloss_test::Golden batch("torch_transformer_batch.safetensors");
  const Tensor<float> y =
      model(batch.tensor<float>("src"), batch.tensor<float>("tgt"), {.tgt_mask = batch.tensor<float>("tgt_mask")});
  CHECK(gloss_test::difference(y.detach(), batch.tensor<float>("output")) < 1e-5);
}

TEST_CASE("Transformer: the file that gloss saves has PyTorch's keys, types, shapes and numbers") {
  nn::Transformer<float> model = small_model();
  io::load(model, model_file);
  const TempFolder folder;
  io::save(model, folder.file("model.safetensors"));
  const io::TensorFile theirs = io::load_safetensors(model_file),
                       ours = io::load_safetensors(folder.file("model.safetensors"));
  CHECK(ours.tensors().size() == theirs.tensors().size());
  for (const io::StoredTensor& stored : theirs.tensors()) {
    INFO(stored.name);
    const io::StoredTensor* found = ours.find(stored.name);
    REQUIRE(found);
    CHECK(found->dtype == stored.dtype);
    CHECK(gloss_test::same_bits(ours.tensor<float>(stored.name), theirs.tensor<float>(stored.name)));
  }
}

TEST_CASE("Transformer: a file of another size is refused by name") {
  nn::Transformer<float> wrong(16, 4, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 24});
  CHECK_THROWS_AS(io::load(wrong, model_file), LoadError);
}
