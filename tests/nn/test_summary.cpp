// The table of a model's layers.
#include <gloss/nn/clones.hpp>
#include <gloss/nn/conv2d.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/flatten.hpp>
#include <gloss/nn/freeze.hpp>
#include <gloss/nn/gelu.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/multihead_attention.hpp>
#include <gloss/nn/relu.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/nn/softmax.hpp>
#include <gloss/nn/summary.hpp>
#include <gloss/nn/transformer.hpp>
#include <gloss/nn/type_name.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/tensor/profile.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

/// A tie, a buffer, a layer that is called twice and one that is not called.
struct Net final : nn::Module<float> {
  using Block = nn::Sequential<float, nn::Linear<float>, nn::Dropout<float>>;
  nn::Linear<float> embed{3, 40};
  std::vector<Block> layers = nn::clones(Block(nn::Linear<float>(40, 40), nn::Dropout<float>(0.5)), 2);
  nn::Linear<float> head{40, 3}, spare{3, 40};
  nn::Buffer<std::int64_t> count{zeros<std::int64_t>({3})};
  nn::Parameter<float> scale{ones<float>({1})};

  Net() { spare.weight.tie(embed.weight); }
  Tensor<float> operator()(const Tensor<float>& x) const {
    const Tensor<float> y = layers[0](embed(x));
    return output(head(layers[1](layers[0](y))) * scale);
  }
  void visit(nn::Visitor<float>& v) override {
    v("embed", embed);
    v("layers", layers);
    v("head", head);
    v("spare", spare);
    v("count", count);
    v("scale", scale);
  }
};

}  // namespace

TEST_CASE("summary: is a table of names, types, output shapes, calls and parameters, with totals and ties") {
  Net net;
  nn::freeze(net, "embed");
  nn::freeze(net, "layers.0.0.bias");
  const Tensor<float> x = zeros<float>({5, 3});
  const std::string memory = nn::detail::readable_bytes(nn::summarize(net, {}, x).forward_bytes);
  CHECK(nn::summary(net, x) ==
        "layer       type        output       parameters           multiply-adds\n"
        "-----------------------------------------------------------------------\n"
        "(model)     Net         [5, 3]       1                    -\n"
        "  embed     Linear      [5, 40]      160 frozen           600\n"
        "  layers.0  Sequential  [5, 40] x 2  -                    -\n"
        "    0       Linear      [5, 40] x 2  1,640 partly frozen  16,000\n"
        "    1       Dropout     [5, 40] x 2  -                    -\n"
        "  layers.1  Sequential  [5, 40]      -                    -\n"
        "    0       Linear      [5, 40]      1,640                8,000\n"
        "    1       Dropout     [5, 40]      -                    -\n"
        "  head      Linear      [5, 3]       123                  600\n"
        "  spare     Linear      -            40                   -\n"
        "-----------------------------------------------------------------------\n"
        "parameters 3,604 (trainable 3,404, frozen 200), 14.1 KB\n"
        "buffers 3, 24 B\n"
        "outputs of one forward 7.9 KB\n"
        "memory of one forward " +
            memory +
            "\n"
            "multiply-adds of one forward 25,200\n"
            "tied: spare.weight is embed.weight\n");
}

namespace {

/// Products of its own before, between and after those of its layers, and in a layer with two weights.
struct Mixed final : nn::Module<float> {
  struct Pair final : nn::Module<float> {
    nn::Parameter<float> a{ones<float>({6, 6})}, b{ones<float>({6, 6})};
    Tensor<float> operator()(const Tensor<float>& x) const { return output(matmul(matmul(x, a), b)); }
    void visit(nn::Visitor<float>& v) override { v("a", a), v("b", b); }
  };
  nn::Parameter<float> mix{ones<float>({6, 6})};
  nn::Linear<float> first{6, 6};
  nn::Softmax<float> softmax{-1};
  nn::Linear<float> last{6, 3};
  Pair pair;

  Tensor<float> operator()(const Tensor<float>& x) const {
    const Tensor<float> y = first(matmul(x, mix));            // 5 x 6 x 6 by itself
    const Tensor<float> weights = softmax(matmul(y, y.t()));  // 5 x 5 x 6 by itself
    return output(last(matmul(weights, pair(y))));            // again
  }
  void visit(nn::Visitor<float>& v) override {
    v("mix", mix), v("first", first), v("softmax", softmax), v("last", last), v("pair", pair);
  }
};

Index multiply_adds(const nn::Summary& s, const std::string& name) {
  for (const nn::Summary::Row& row : s.rows)
    if (row.name == name) return row.multiply_adds;
  return -1;
}

}  // namespace

TEST_CASE("summary: multiply-adds belong to the layer that has the weight, and others to the module around") {
  Mixed model;
  const Tensor<float> x = ones<float>({5, 6});
  const nn::Summary s = nn::summarize(model, {}, x);
  CHECK(multiply_adds(s, "") == 5 * 6 * 6 + 2 * 5 * 5 * 6);
  CHECK(multiply_adds(s, "first") == 5 * 6 * 6);
  CHECK(multiply_adds(s, "softmax") == 0);
  CHECK(multiply_adds(s, "pair") == 2 * 5 * 6 * 6);
  CHECK(multiply_adds(s, "last") == 5 * 6 * 3);
  CHECK(s.multiply_adds == 4 * 5 * 6 * 6 + 2 * 5 * 5 * 6 + 5 * 6 * 3);
  const nn::Summary cut = nn::summarize(model, {.depth = 0}, x);
  CHECK(cut.rows[0].multiply_adds == s.multiply_adds);
  CHECK(nn::summarize(model, {}).multiply_adds == 0);
}

TEST_CASE("summary: counts convolutions and attention, and another profile goes on afterwards") {
  nn::Conv2d<float> conv(3, 8, 5, {.stride = 2, .padding = 2, .groups = 1});
  CHECK(nn::summarize(conv, {}, zeros<float>({2, 3, 16, 16})).multiply_adds == 2 * 8 * 8 * 8 * 3 * 5 * 5);
  struct Self final : nn::Module<float> {
    nn::MultiheadAttention<float> attention{16, 4};
    Tensor<float> operator()(const Tensor<float>& x) const { return output(attention(x, x, x)); }
    void visit(nn::Visitor<float>& v) override { v("attention", attention); }
  } self;
  const Tensor<float> x = zeros<float>({7, 2, 16});
  Profile outer;
  const nn::Summary s = nn::summarize(self, {}, x);
  CHECK(s.multiply_adds == 4 * 14 * 16 * 16 + 2 * 2 * 7 * 7 * 16);
  CHECK(multiply_adds(s, "attention.out_proj") == 14 * 16 * 16);
  CHECK(multiply_adds(s, "attention") == s.multiply_adds - 14 * 16 * 16);
  outer.stop();
  for (const ProfileRow& row : outer.rows()) CHECK(row.flops == 0);
  Profile again;
  static_cast<void>(matmul(ones<float>({2, 2}), ones<float>({2, 2})));
  double flops = 0;
  for (const ProfileRow& row : again.rows()) flops += row.flops;
  CHECK(flops == 16);
}

// Half of what torch.utils.flop_counter.FlopCounterMode of PyTorch 2.13 tells of the same modules, with the attention
// that it can count, SDPBackend.MATH.
TEST_CASE("summary: multiply-adds are PyTorch's") {
  nn::Transformer<float> transformer(32, 4, {.num_encoder_layers = 2, .num_decoder_layers = 1, .dim_feedforward = 48});
  CHECK(nn::summarize(transformer, {}, zeros<float>({10, 2, 32}), zeros<float>({7, 2, 32})).multiply_adds == 497536);
  nn::Sequential net(nn::Conv2d<float>(3, 8, 5, {.stride = 2, .padding = 2}), nn::ReLU<float>(),
                     nn::Conv2d<float>(8, 12, 3, {.dilation = 2, .groups = 4, .bias = false}), nn::Flatten<float>(),
                     nn::Linear<float>(12 * 4 * 4, 5));
  const nn::Summary s = nn::summarize(net, {}, zeros<float>({3, 3, 16, 16}));
  CHECK(s.multiply_adds == 128448);
  CHECK(multiply_adds(s, "2") == 3 * 12 * 4 * 4 * 2 * 3 * 3);
  CHECK(multiply_adds(s, "4") == 3 * 12 * 4 * 4 * 5);
}

TEST_CASE("summary: memory of one forward, and what it leaves for a backward") {
  nn::Sequential model(nn::Linear<float>(64, 256), nn::GELU<float>(), nn::Linear<float>(256, 8));
  const Tensor<float> x = ones<float>({128, 64});
  const std::size_t in_use = memory_stats().in_use;
  const nn::Summary s = nn::summarize(model, {}, x);
  const std::size_t hidden = 128 * 256 * sizeof(float);
  CHECK(s.forward_bytes >= hidden);
  CHECK(s.forward_bytes < 3 * hidden);
  CHECK(s.backward_bytes == 0);
  const nn::Summary training = nn::summarize(model, {.training = true}, x);
  CHECK(training.backward_bytes >= hidden);
  CHECK(training.backward_bytes < 4 * hidden);
  CHECK(training.text().find("kept for a backward ") != std::string::npos);
  nn::freeze(model, "*");
  CHECK(nn::summarize(model, {.training = true}, x).backward_bytes < hidden);  // the result alone
  CHECK(memory_stats().in_use == in_use);
}

TEST_CASE("summary: a depth cuts the table, and the last rows count what is below them; totals stay") {
  Net net;
  const nn::Summary whole = nn::summarize(net, {}), cut = nn::summarize(net, {.depth = 1});
  CHECK(whole.rows.size() == 10);
  CHECK(cut.rows.size() == 6);
  CHECK(cut.rows[2].name == "layers.0");
  CHECK(cut.rows[2].parameters == 1640);
  CHECK(whole.rows[2].parameters == 0);
  CHECK(cut.parameters == whole.parameters);
  CHECK(cut.parameters == net.num_parameters());
  Index sum = 0;
  for (const auto& row : whole.rows) sum += row.parameters;
  CHECK(sum == whole.parameters);
}

TEST_CASE("summary: leaves the model's modes, the random numbers and the graph as they were") {
  Net net;
  net.layers[1].eval();
  manual_seed(9);
  const float next = rand<float>({1}).item();
  manual_seed(9);
  nn::summary(net, zeros<float>({5, 3}));
  CHECK(rand<float>({1}).item() == next);
  CHECK(net.is_training());
  CHECK(net.layers[0].get<1>().is_training());
  CHECK_FALSE(net.layers[1].is_training());
  CHECK_FALSE(net.layers[1].get<1>().is_training());
  CHECK(net.embed.is_training());
  CHECK_FALSE(net.embed.weight.grad().defined());
  CHECK_THROWS_AS(nn::summary(net, zeros<float>({5, 2})), ShapeError);
  CHECK(net.is_training());
}

TEST_CASE("summary: reads the whole Transformer") {
  auto model =
      transformer::make_model<float>({.src_vocab = 11, .tgt_vocab = 11, .N = 2, .d_model = 8, .d_ff = 16, .h = 2});
  const Tensor<std::int64_t> ids = {{1, 2, 3}};
  const auto mask = ones<bool>({1, 1, 3});
  const std::string text = nn::summary(model, {.depth = 2}, ids, ids, mask, mask);
  CHECK(text.find("EncoderDecoder") != std::string::npos);
  CHECK(text.find("    layers.1") != std::string::npos);
  CHECK(text.find("DecoderLayer") != std::string::npos);
  CHECK(text.find("linears.0") == std::string::npos);
  CHECK(nn::summarize(model, {}).parameters == model.num_parameters());
}
