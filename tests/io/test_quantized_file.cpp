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

TEST_CASE("save_quantized and load_quantized: attention, some of whose weights are packed") {
  const TempFolder folder;
  const std::string path = folder.file("attention.safetensors");
  const NoGradGuard no_grad;
  for (const auto format : {nn::WeightFormat::int8, nn::WeightFormat::bfloat16, nn::WeightFormat::int4})
    for (const bool all : {true, false}) {
      manual_seed(3);
      nn::TransformerEncoderLayer<float> layer(64, 4, {.dim_feedforward = 96, .batch_first = true});
      nn::QuantizeOptions options{.weights = format};
      if (!all) options.keep = {"self_attn.out_proj", "linear2"};
      CHECK(nn::quantize(layer, options).weights.size() == (all ? 4 : 2));
      const Tensor<float> x = randn<float>({2, 7, 64}), expected = layer(x);
      io::save_quantized(layer, path);
      nn::TransformerEncoderLayer<float> loaded(64, 4, {.dim_feedforward = 96, .batch_first = true});
      io::load_quantized(loaded, path);
      CHECK(same_bits(loaded(x), expected));
    }
}

TEST_CASE("save_quantized and load_quantized: blocks of 4 and 8 bits, and with minima") {
  const TempFolder folder;
  const std::string path = folder.file("packed.safetensors"), again = folder.file("again.safetensors");
  manual_seed(3);
  Model model;
  nn::quantize(model, {.weights = nn::WeightFormat::int4, .keep = {"second"}});
  nn::quantize(model, {.weights = nn::WeightFormat::int8_blocks});
  const Tensor<float> expected = model(ids);
  io::save_quantized(model, path);
  const io::TensorFile file = io::load_safetensors(path);
  CHECK(file.entry("first.weight").dtype == io::Dtype::U8);
  CHECK(file.entry("first.weight").shape == Shape{70, 16});  // 24 inputs in a block
  CHECK(file.entry("first.weight.scale").shape == Shape{70, 1});
  CHECK(file.entry("first.weight.scale").dtype == io::Dtype::F16);
  CHECK(file.entry("second.weight").shape == Shape{24, 96});
  CHECK(file.entry("second.weight.scale").shape == Shape{24, 3});
  CHECK(file.find("second.weight.minimum") == nullptr);
  const auto codes = file.tensor<std::uint8_t>("first.weight"), others = file.tensor<std::uint8_t>("second.weight");
  const Tensor<float> first =
      embedding(Tensor<std::int64_t>{2}, model.first.weight);  // the file means what it computes by
  const Tensor<float> second = embedding(Tensor<std::int64_t>{2}, model.second.weight);
  const auto low = [](std::uint8_t code) { return static_cast<float>((code & 15) - 8); };
  CHECK(first.at({0, 3}) == file.tensor<float>("first.weight.scale").at({2, 0}) * low(codes.at({2, 3})));
  CHECK(first.at({0, 19}) ==
        file.tensor<float>("first.weight.scale").at({2, 0}) * static_cast<float>((codes.at({2, 3}) >> 4) - 8));
  CHECK(second.at({0, 65}) ==
        file.tensor<float>("second.weight.scale").at({2, 2}) * static_cast<float>(others.at({2, 65}) - 128));

  manual_seed(4);
  Model loaded;
  io::load_quantized(loaded, path);
  CHECK(same_bits(loaded(ids), expected));
  CHECK(loaded.words.weight.is_same(loaded.last.weight));
  CHECK(!loaded.is_training());
  io::save_quantized(loaded, again);
  CHECK(read_file(again) == read_file(path));

  io::save_safetensors(path, {{"weight", full<std::uint8_t>({1, 32}, 0x21)},
                              {"weight.scale", Tensor<float>{{2, 3}}},
                              {"weight.minimum", Tensor<float>{{-1, 0.5}}}});
  nn::Linear<float> layer(40, 1, {.bias = false});
  io::load_quantized(layer, path);
  const Tensor<float> row = embedding(Tensor<std::int64_t>{0}, layer.weight);
  CHECK(row.at({0, 0}) == 2 * 1 - 1);
  CHECK(row.at({0, 31}) == 2 * 2 - 1);
  CHECK(row.at({0, 39}) == 3 * 1 + 0.5f);
  io::save_quantized(layer, again);
  CHECK(io::load_safetensors(again).tensor<float>("weight.minimum").at({0, 1}) == 0.5f);
  CHECK(io::load_safetensors(again).entry("weight.minimum").dtype == io::Dtype::F32);
}

TEST_CASE("save_quantized: panels of float are saved as the weights that they were") {
  const TempFolder folder;
  const std::string path = folder.file("panels.safetensors"), plain = folder.file("plain.safetensors");
  manual_seed(5);
  Model model;
  model.eval();
  io::save_quantized(model, plain);
  const Tensor<float> expected = model(ids);
  nn::quantize(model, {.weights = nn::WeightFormat::float32});
  io::save_quantized(model, path);
  CHECK(read_file(path) == read_file(plain));
  Model loaded;
  loaded.eval();
  io::load_quantized(loaded, path);
  CHECK(!loaded.first.weight.storage()->is_packed());
  CHECK(same_bits(loaded(ids), expected));
  nn::quantize(loaded, {.weights = nn::WeightFormat::float32});
  CHECK(same_bits(loaded(ids), expected));
}

TEST_CASE("load_quantized: blocks that do not belong together are refused") {
  const TempFolder folder;
  const std::string path = folder.file("blocks.safetensors"), at = "load_quantized: " + path + ": ";
  nn::Linear<float> layer(40, 2, {.bias = false});
  const auto refuse = [&](const Shape& codes, const Shape& scales, const Shape& minima, const std::string& why) {
    io::save_safetensors(path, {{"weight", zeros<std::uint8_t>(codes)},
                                {"weight.scale", ones<float>(scales)},
                                {"weight.minimum", ones<float>(minima)}});
    CHECK_ERROR(io::load_quantized(layer, path), LoadError, why);
  };
  const std::string no_weight = " is no weight of 40 inputs in blocks of 32";
  refuse({2, 40}, {2, 2}, {2, 2}, at + "weight [2, 40] with scales [2, 2]" + no_weight);
  refuse({3, 64}, {2, 2}, {2, 2}, at + "weight [3, 64] with scales [2, 2]" + no_weight);
  refuse({64}, {2, 2}, {2, 2}, at + "weight [64] with scales [2, 2]" + no_weight);
  refuse({2, 96}, {2, 3}, {2, 3}, at + "weight [2, 96] with scales [2, 3]" + no_weight);
  refuse({2, 0}, {2, 0}, {2, 0}, at + "weight [2, 0] with scales [2, 0]" + no_weight);
  refuse({2, 64}, {2, 2}, {2, 1}, at + "weight.minimum [2, 1] has not the shape of weight.scale [2, 2]");
  refuse({3, 64}, {3, 2}, {3, 2}, "load_state_dict: weight has shape [3, 40], the model's has [2, 40]");
  io::save_safetensors(path, {{"other", zeros<std::uint8_t>({2, 64})}, {"other.scale", ones<float>({2, 2})}});
  CHECK_ERROR(io::load_quantized(layer, path), LoadError,
              "load_state_dict: 2 problems, nothing was loaded\n  weight is missing\n  other is unexpected");
  CHECK(layer.is_training());
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
