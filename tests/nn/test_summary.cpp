// The table of a model's layers.
#include <gloss/nn/clones.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/freeze.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/nn/summary.hpp>
#include <gloss/nn/type_name.hpp>
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
  CHECK(nn::summary(net, zeros<float>({5, 3})) ==
        "layer       type        output       parameters\n"
        "--------------------------------------------------------\n"
        "(model)     Net         [5, 3]       1\n"
        "  embed     Linear      [5, 40]      160 frozen\n"
        "  layers.0  Sequential  [5, 40] x 2  -\n"
        "    0       Linear      [5, 40] x 2  1,640 partly frozen\n"
        "    1       Dropout     [5, 40] x 2  -\n"
        "  layers.1  Sequential  [5, 40]      -\n"
        "    0       Linear      [5, 40]      1,640\n"
        "    1       Dropout     [5, 40]      -\n"
        "  head      Linear      [5, 3]       123\n"
        "  spare     Linear      -            40\n"
        "--------------------------------------------------------\n"
        "parameters 3,604 (trainable 3,404, frozen 200), 14.1 KB\n"
        "buffers 3, 24 B\n"
        "outputs of one forward 7.9 KB\n"
        "tied: spare.weight is embed.weight\n");
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
