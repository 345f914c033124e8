// Freezing, walking over the modules of a model, and parameters as one vector.
#include <gloss/nn/apply.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/freeze.hpp>
#include <gloss/nn/init.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/parameter_vector.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;
using gloss_test::values;
using Names = std::vector<std::string>;

namespace {

struct Block final : nn::Module<double> {
  nn::Linear<double> proj{3, 3};
  nn::LayerNorm<double> norm{3};
  Tensor<double> operator()(const Tensor<double>& x) const { return output(norm(proj(x))); }
  void visit(nn::Visitor<double>& v) override {
    v("proj", proj);
    v("norm", norm);
  }
};

struct Net final : nn::Module<double> {
  std::vector<Block> layers = nn::clones(Block(), 2);
  nn::Linear<double> head{3, 2};
  Tensor<double> operator()(const Tensor<double>& x) const { return output(head(layers[1](layers[0](x)))); }
  void visit(nn::Visitor<double>& v) override {
    v("layers", layers);
    v("head", head);
  }
};

Names trainable(const Net& net) {
  Names names;
  for (const auto& [name, p] : net.named_parameters())
    if (p.requires_grad()) names.push_back(name);
  return names;
}

template <class List>
Names names_of(const List& list) {
  Names names;
  for (const auto& entry : list) names.push_back(entry.first);
  return names;
}

}  // namespace

TEST_CASE("matches_pattern: a star is any text, a question mark one character, the rest itself") {
  CHECK(nn::matches_pattern("a.weight", "a.weight"));
  CHECK(nn::matches_pattern("a.b.weight", "a.*"));
  CHECK(nn::matches_pattern("a.b.weight", "*.weight"));
  CHECK(nn::matches_pattern("a.b.weight", "a*w*t"));
  CHECK(nn::matches_pattern("layers.3.b", "layers.?.b"));
  CHECK(nn::matches_pattern("", "*"));
  CHECK(nn::matches_pattern("abab", "*ab"));
  CHECK_FALSE(nn::matches_pattern("layers.13.b", "layers.?.b"));
  CHECK_FALSE(nn::matches_pattern("a.weights", "*.weight"));
  CHECK_FALSE(nn::matches_pattern("a", ""));
  CHECK_FALSE(nn::matches_pattern("aXweight", "a.weight"));
}

TEST_CASE("freeze: takes a parameter, a module or a pattern out of training, unfreeze puts it back") {
  Net net;
  CHECK(nn::freeze(net, "layers.0") == 4);
  CHECK(trainable(net) == Names{"layers.1.proj.weight", "layers.1.proj.bias", "layers.1.norm.weight",
                                "layers.1.norm.bias", "head.weight", "head.bias"});
  CHECK(nn::freeze(net, "*.norm.*") == 4);
  CHECK(nn::freeze(net, "head.bias") == 1);
  CHECK(trainable(net) == Names{"layers.1.proj.weight", "layers.1.proj.bias", "head.weight"});
  CHECK(net.num_parameters() == 2 * (12 + 6) + 8);
  CHECK(net.num_parameters(true) == 12 + 6);
  CHECK(nn::unfreeze(net, "layers.*.bias") == 4);
  CHECK(trainable(net).size() == 6);
  net.requires_grad_(false);
  CHECK(trainable(net).empty());
  net.requires_grad_();
  CHECK(trainable(net).size() == 10);
}

TEST_CASE("freeze: a name or pattern that matches nothing is an error with the nearest name") {
  Net net;
  CHECK_ERROR(nn::freeze(net, "layer.0"), Error,
              "freeze: no parameter of the model matches 'layer.0'; the nearest name is 'layers.0'");
  CHECK_ERROR(nn::unfreeze(net, "hed.weight"), Error,
              "unfreeze: no parameter of the model matches 'hed.weight'; the nearest name is 'head.weight'");
  CHECK_ERROR(nn::freeze(net, "something.else.*"), Error,
              "freeze: no parameter of the model matches 'something.else.*'");
  CHECK(trainable(net).size() == 10);
}

TEST_CASE(
    "freeze: frozen parameters get no gradient and optimizers leave them, and train them once they are unfrozen") {
  Net net;
  const Tensor<double> x = {{1, 2, -1}, {0.5, -3, 2}};
  nn::freeze(net, "layers");
  const Net before = net;
  CHECK_FALSE(before.layers[0].proj.weight.requires_grad());
  optim::AdamW<double> adam(net.parameters(), {.lr = 0.1, .weight_decay = 0.5});
  optim::SGD<double> sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  sum(net(x)).backward();
  adam.step();
  sgd.step();
  CHECK_FALSE(net.layers[1].proj.weight.grad().defined());
  CHECK(same_bits(net.layers[1].proj.weight.detach(), before.layers[1].proj.weight.detach()));
  CHECK_FALSE(same_bits(net.head.weight.detach(), before.head.weight.detach()));
  nn::unfreeze(net, "layers");
  adam.zero_grad();
  sum(relu(net(x))).backward();
  adam.step();
  CHECK_FALSE(same_bits(net.layers[1].proj.weight.detach(), before.layers[1].proj.weight.detach()));
}

TEST_CASE("clone: keeps ties through lists and containers, and what is frozen") {
  using Linear = nn::Linear<double>;
  nn::Sequential<double, Linear, Linear> pair(Linear(3, 3), Linear(3, 3));
  pair.get<1>().weight.tie(pair.get<0>().weight);
  const auto copy = nn::clone(pair);
  CHECK(copy.get<1>().weight.is_same(copy.get<0>().weight));
  CHECK_FALSE(copy.get<0>().weight.is_same(pair.get<0>().weight));
  Net net;
  net.layers[1].proj.weight.tie(net.layers[0].proj.weight);
  nn::freeze(net, "layers.0.proj.weight");
  const Net twin = nn::clone(net);
  CHECK(twin.layers[1].proj.weight.is_same(twin.layers[0].proj.weight));
  CHECK_FALSE(twin.layers[1].proj.weight.requires_grad());
  CHECK(twin.head.weight.requires_grad());
}

TEST_CASE("apply: reaches every module, inner ones first, or those of one kind") {
  Net net;
  std::vector<nn::Module<double>*> seen;
  nn::apply(net, [&](nn::Module<double>& m) { seen.push_back(&m); });
  REQUIRE(seen.size() == 8);
  CHECK(seen.back() == &net);
  CHECK(seen.front() == &net.head);
  int norms = 0;
  nn::apply<nn::LayerNorm<double>>(net, [&](auto& norm) { nn::init::constant_(norm.weight, 0.5 + norms++); });
  CHECK(norms == 2);
  CHECK(net.layers[1].norm.weight.at({2}) == 0.5);
  CHECK(net.layers[0].norm.weight.at({2}) == 1.5);
}

TEST_CASE("named_children: lists what stands directly within, the entries of a list too") {
  Net net;
  CHECK(names_of(net.named_children()) == Names{"layers.0", "layers.1", "head"});
  CHECK(names_of(net.layers[0].named_children()) == Names{"proj", "norm"});
  CHECK(net.head.named_children().empty());
  CHECK(names_of(net.named_modules()) ==
        Names{"", "layers.0", "layers.0.proj", "layers.0.norm", "layers.1", "layers.1.proj", "layers.1.norm", "head"});
  for (const auto& [name, m] : net.named_modules())
    if (name == "layers.1") m->eval();
  CHECK_FALSE(net.layers[1].norm.is_training());
  CHECK(net.layers[0].is_training());
}

TEST_CASE("parameters_to_vector: joins all parameters in the graph, vector_to_parameters writes them back") {
  nn::Linear<double> layer(2, 3);
  const auto vector = nn::parameters_to_vector(layer.parameters());
  CHECK(vector.shape() == Shape{9});
  CHECK(vector.at({7}) == layer.bias.at({1}));
  sum(vector).backward();
  CHECK(values(layer.bias.grad()) == std::vector<double>{1, 1, 1});
  const auto numbers = arange<double>(9);
  nn::vector_to_parameters(numbers, layer.parameters());
  CHECK(layer.weight.at({2, 1}) == 5);
  CHECK(layer.bias.at({2}) == 8);
  CHECK(layer.weight.requires_grad());
  CHECK_ERROR(nn::vector_to_parameters(arange<double>(8), layer.parameters()), ShapeError,
              "vector_to_parameters: the vector has shape [8], the parameters have 9 elements");
  CHECK_ERROR(nn::parameters_to_vector<double>({}), Error, "cat: no tensors to join");
}
