// Blocks of GGUF files in packed weights: the same numbers, whatever the type; and packing as the gguf package does it.
#include <string>

#include <gloss/gloss.hpp>
#include <gloss/io/gguf.hpp>
#include <gloss/io/gguf_packed.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::relative_to_largest;
using gloss_test::same_bits;
using nn::detail::packed_form;

namespace {

io::TensorFile blocks_file() { return io::load_gguf(GLOSS_TEST_DATA "/gguf/blocks.gguf").tensor_file(); }

/// The numbers of a weight that is packed.
Tensor<float> numbers_of(const Tensor<float>& weight) {
  return embedding(arange<std::int64_t>(0, weight.size(0)), weight);
}

}  // namespace

TEST_CASE("keep_blocks: blocks of every type that is kept give the numbers that are read from the file") {
  const io::TensorFile file = blocks_file();
  for (const std::string name : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K"}) {
    INFO(name);
    const Tensor<float> expected = file.tensor<float>(name);
    const Index n = expected.size(0), k = expected.size(1);
    nn::Linear<float> layer(k, n, {.bias = false});
    const nn::QuantizeReport report = io::keep_blocks(layer, file, {.rules = {{{name}, {"weight"}}}});
    CHECK(same_bits(numbers_of(layer.weight), expected));
    REQUIRE(report.weights.size() == 1);
    CHECK(report.weights[0].name == "weight");
    CHECK(report.weights[0].shape == expected.shape());
    CHECK(report.weights[0].error == 0);
    CHECK(report.bytes_before == std::size_t(4 * n * k));
    CHECK(report.bytes_after == report.weights[0].bytes_after);
    manual_seed(1);
    const Tensor<float> x = randn<float>({3, k});
    CHECK(relative_to_largest(layer(x), linear(x, expected)) < 0.01);
  }
}

TEST_CASE("keep_blocks: tables and tied weights are packed, rows may stand elsewhere, the rest stays") {
  struct Model final : nn::Module<float> {
    nn::Embedding<float> words{2, 128};
    nn::Linear<float> last{128, 2}, other{3, 2};
    Model() { last.weight.tie(words.weight); }
    void visit(nn::Visitor<float>& v) override { v("words", words), v("last", last), v("other", other); }
  } model;
  const io::TensorFile file = blocks_file();
  const io::KeyMap keys{.rules = {{{"Q8_0"}, {"words.weight"}}, {{"f32"}, {"other.weight"}}}};
  const nn::QuantizeReport report = io::keep_blocks(
      model, file, keys, [](const std::string& name, Index j) { return name == "words.weight" ? 1 - j : j; });
  CHECK(report.weights.size() == 1);
  CHECK(same_bits(numbers_of(model.words.weight), flip(file.tensor<float>("Q8_0"), {0})));
  CHECK(model.last.weight.is_same(model.words.weight));
  CHECK(packed_form<kernels::BlockWeights>(model.other.weight) == nullptr);
  CHECK_FALSE(model.is_training());
  CHECK(nn::quantize(model).weights.size() == 1);  // the rest, in bytes
}

TEST_CASE("keep_blocks: a file without such blocks, and one whose shapes are others") {
  nn::Linear<float> layer(256, 2, {.bias = false});
  const io::TensorFile file = blocks_file();
  const std::string path = GLOSS_TEST_DATA "/gguf/blocks.gguf";
  const auto refuse = [&](const std::string& name) {
    CHECK_ERROR(io::keep_blocks(layer, file, {.rules = {{{name}, {"weight"}}}}), Error,
                "keep_blocks: " + path + " has no weight of the model in blocks that are kept");
  };
  refuse("nothing");
  refuse("f32");
  refuse("Q4_0");  // [2, 128]
  refuse("other");
  CHECK(layer.is_training());
}

TEST_CASE("pack_weight into blocks: scales and codes are those of the gguf package") {
  const io::TensorFile file = io::load_gguf(GLOSS_TEST_DATA "/gguf/quantized.gguf").tensor_file();
  const Tensor<float> x = file.tensor<float>("x");
  for (const bool is_small : {true, false}) {
    nn::Linear<float> mine(x.size(1), x.size(0), {.bias = false}), theirs = mine;
    mine.weight.detach().copy_(x);
    nn::quantize(mine, {.weights = is_small ? nn::WeightFormat::int4 : nn::WeightFormat::int8_blocks});
    io::keep_blocks(theirs, file, {.rules = {{{is_small ? "Q4_0" : "Q8_0"}, {"weight"}}}});
    const auto* const a = packed_form<kernels::BlockWeights>(mine.weight);
    const auto* const b = packed_form<kernels::BlockWeights>(theirs.weight);
    REQUIRE((a && b));
    for (Index j = 0; j < x.size(0); ++j)
      for (Index block = 0; block < a->blocks(); ++block) {
        const kernels::Block got = a->get(j, block), expected = b->get(j, block);
        CAPTURE(is_small, j, block);
        CHECK(float(float16(got.scale)) == expected.scale);  // theirs is of half precision
        CHECK(std::equal(got.codes, got.codes + 32, expected.codes));
      }
  }
}
