// Models with packed weights go through a file and compute the same bits.
#include <string>

#include <gloss/gloss.hpp>
#include <gloss/io/module_file.hpp>
#include <gloss/io/quantized_file.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;

namespace {

struct Model final : nn::Module<float> {
  nn::Embedding<float> words;
  nn::BatchNorm1d<float> norm;
  nn::Linear<float> first, second, last;

  Model() : words(50, 24), norm(24), first(24, 70), second(70, 24), last(24, 50) { last.weight.tie(words.weight); }
  Tensor<float> operator()(const Tensor<std::int64_t>& ids) const {
    return this->output(last(second(first.with_relu(norm(words(ids))))));
  }
  void visit(nn::Visitor<float>& v) override {
    v("words", words), v("norm", norm), v("first", first), v("second", second), v("last", last);
  }
};

const Tensor<std::int64_t> ids = {3, 1, 4, 1, 5, 9, 49};

}  // namespace

TEST_CASE("save_quantized and load_quantized: the same bits, a quarter of the bytes") {
  const TempFolder folder;
  const std::string path = folder.file("packed.safetensors");
  manual_seed(1);
  Model model;
  model.norm.running_mean.fill_(0.25f);
  nn::quantize(model, {.keep = {"second"}});
  nn::quantize(model, {.weights = nn::WeightFormat::bfloat16});
  const Tensor<float> expected = model(ids);
  io::save_quantized(model, path, {{"made by", "a test"}});

  const io::TensorFile file = io::load_safetensors(path);
  CHECK(file.metadata().at("made by") == "a test");
  CHECK(file.entry("words.weight").dtype == io::Dtype::U8);
  CHECK(file.entry("words.weight").shape == Shape{50, 24});
  CHECK(file.entry("words.weight.scale").shape == Shape{50});
  CHECK(file.entry("second.weight").dtype == io::Dtype::BF16);
  CHECK(file.entry("first.bias").dtype == io::Dtype::F32);
  CHECK(file.find("last.weight") == nullptr);
  const Tensor<float> row = model.words(Tensor<std::int64_t>{7});  // the file means what the model computes with
  const Tensor<float> bytes = cast<float>(file.tensor<std::uint8_t>("words.weight")).select(0, 7) - 128.0f;
  CHECK(same_bits(row.view({24}), bytes * file.tensor<float>("words.weight.scale").at({7})));

  manual_seed(2);
  Model loaded;
  io::load_quantized(loaded, path);
  CHECK(same_bits(loaded(ids), expected));
  CHECK(loaded.words.weight.is_same(loaded.last.weight));
  CHECK(!loaded.is_training());
  const std::string again = folder.file("again.safetensors");
  io::save_quantized(loaded, again, {{"made by", "a test"}});
  CHECK(read_file(again) == read_file(path));
}

TEST_CASE("load_quantized: a model without packed weights, a file that is not whole, and bytes without their scales") {
  const TempFolder folder;
  const std::string path = folder.file("model.safetensors");
  manual_seed(1);
  const Model model;
  io::save_quantized(model, path);
  Model loaded;
  io::load_quantized(loaded, path);
  CHECK(same_bits(loaded(ids), model(ids)));
  CHECK(loaded.is_training());

  io::save_safetensors(path, {{"weight", zeros<std::uint8_t>({4, 3})}, {"weight.scale", ones<float>({3})}});
  nn::Linear<float> layer(3, 4);
  CHECK_ERROR(io::load_quantized(layer, path), LoadError,
              "load_quantized: " + path + ": weight.scale [3] has no number for each row of weight [4, 3]");
  io::save_safetensors(path, {{"weight", zeros<std::uint8_t>({4, 3})}, {"weight.scale", ones<float>({4})}});
  CHECK_ERROR(io::load_quantized(layer, path), LoadError, "load_state_dict: bias is missing");
}
