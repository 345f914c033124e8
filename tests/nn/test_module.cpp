// Parameter, Module, Visitor, Sequential, clones, clone.
#include <gloss/nn/clones.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/sum.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;
using gloss_test::values;
using nn::Parameter;
using Names = std::vector<std::string>;

namespace {

/// A module of everything: parameters, a missing one, a buffer, a list and a tie.
struct Zoo final : nn::Module<float> {
  nn::Linear<float> first{3, 2};
  nn::Linear<float> bare{2, 3, {.bias = false}};
  std::vector<nn::Dropout<float>> drops = nn::clones(nn::Dropout<float>(0.5), 2);
  std::vector<nn::Linear<float>> list = nn::clones(nn::Linear<float>(2, 3), 2);
  nn::Buffer<float> table{ones<float>({4})};
  Parameter<float> scale{ones<float>({})};

  Zoo() { list[1].weight.tie(bare.weight); }
  void visit(nn::Visitor<float>& v) override {
    v("first", first);
    v("bare", bare);
    v("drops", drops);
    v("list", list);
    v("table", table);
    v("scale", scale);
  }
};

template <class List>
Names names_of(const List& list) {
  Names names;
  for (const auto& entry : list) names.push_back(entry.first);
  return names;
}

}  // namespace

TEST_CASE("Parameter: a copy has numbers of its own, a move keeps the tensor") {
  Parameter<float> p(Tensor<float>{1, 2});
  CHECK(p.requires_grad());
  CHECK(p.is_leaf());
  Parameter<float> copy(p);
  CHECK(copy.requires_grad());
  CHECK_FALSE(copy.is_same(p));
  copy.data()[0] = 9;
  CHECK(p.at({0}) == 1);
  const Tensor<float> handle = p;  // as an optimizer keeps it
  Parameter<float> moved(std::move(p));
  CHECK(moved.is_same(handle));
  Parameter<float> undefined;
  CHECK_FALSE(Parameter<float>(undefined).defined());
}

TEST_CASE("Parameter: assignment writes into the tensor that handles know, or replaces one of another shape") {
  Parameter<float> p(Tensor<float>{1, 2});
  const Parameter<float> other(Tensor<float>{5, 6}), longer(Tensor<float>{1, 2, 3});
  const Tensor<float> handle = p;
  p = other;
  CHECK(p.is_same(handle));
  CHECK(values(handle) == std::vector<float>{5, 6});
  const Parameter<float>& self = p;
  p = self;
  CHECK(p.is_same(handle));
  p = longer;
  CHECK_FALSE(p.is_same(handle));
  CHECK(values(p) == std::vector<float>{1, 2, 3});
  CHECK_FALSE(p.is_same(longer));
}

TEST_CASE("Parameter: tied ones are one tensor with one gradient; shapes that differ are named") {
  Parameter<float> a(Tensor<float>{1, 2}), b(Tensor<float>{3, 4});
  b.tie(a);
  CHECK(b.is_same(a));
  (sum(a) + sum(b)).backward();
  CHECK(values(a.grad()) == std::vector<float>{2, 2});
  const Parameter<float> c(Tensor<float>{1});
  CHECK_ERROR(b.tie(c), ShapeError, "tie: shape [2] cannot be tied to [1]");
}

TEST_CASE("Module: parameters have dotted names in order, a tie once; the state dict has ties twice and buffers") {
  const Zoo zoo;
  CHECK(names_of(zoo.named_parameters()) ==
        Names{"first.weight", "first.bias", "bare.weight", "list.0.weight", "list.0.bias", "list.1.bias", "scale"});
  CHECK(names_of(zoo.state_dict()) == Names{"first.weight", "first.bias", "bare.weight", "list.0.weight", "list.0.bias",
                                            "list.1.weight", "list.1.bias", "table", "scale"});
  CHECK(zoo.num_parameters() == 6 + 2 + 6 + 6 + 3 + 3 + 1);
  CHECK(zoo.parameters().size() == 7);
  CHECK(zoo.state_dict()["first.weight"].data() == zoo.first.weight.data());
  for (const auto& [name, tensor] : zoo.state_dict()) CHECK_FALSE(tensor.requires_grad());
}

TEST_CASE("Module: zero_grad forgets every gradient") {
  const Zoo zoo;
  sum(zoo.list[1](zoo.first(ones<float>({1, 3})))).backward();
  CHECK(zoo.bare.weight.grad().defined());
  CHECK(zoo.first.bias.grad().defined());
  zoo.zero_grad();
  for (const auto& p : zoo.parameters()) CHECK_FALSE(p.grad().defined());
}

TEST_CASE("Module: train and eval reach every level") {
  Zoo zoo;
  CHECK(zoo.drops[1].is_training());
  zoo.eval();
  CHECK_FALSE(zoo.is_training());
  CHECK_FALSE(zoo.drops[0].is_training());
  CHECK_FALSE(zoo.drops[1].is_training());
  const Zoo copy = zoo;
  CHECK_FALSE(copy.drops[1].is_training());
  zoo.train();
  CHECK(zoo.drops[1].is_training());
}

TEST_CASE("Module: a copy copies numbers and buffers and loses ties; clone keeps the ties") {
  const Zoo zoo;
  Zoo copy = zoo;
  CHECK(same_bits(copy.list[1].weight.detach(), zoo.bare.weight.detach()));
  CHECK_FALSE(copy.list[1].weight.is_same(copy.bare.weight));
  CHECK(copy.num_parameters() == zoo.num_parameters() + 6);
  copy.table.fill_(7);
  CHECK(zoo.table.at({0}) == 1);

  const Zoo twin = nn::clone(zoo);
  CHECK(twin.list[1].weight.is_same(twin.bare.weight));
  CHECK_FALSE(twin.bare.weight.is_same(zoo.bare.weight));
  CHECK(names_of(twin.named_parameters()) == names_of(zoo.named_parameters()));
  const auto a = twin.state_dict(), b = zoo.state_dict();
  for (const auto& [name, tensor] : a) CHECK(same_bits(tensor.as<float>(), b[name].as<float>()));
}

TEST_CASE("Module: assignment keeps the handles of an optimizer alive") {
  Zoo zoo;
  const Zoo other;
  const auto handles = zoo.parameters();
  zoo = other;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    CHECK(handles[i].is_same(zoo.parameters()[i]));
    CHECK(same_bits(handles[i].detach(), other.parameters()[i].detach()));
  }
}

TEST_CASE("clones: gives copies with numbers of their own") {
  const nn::Linear<float> layer(2, 3);
  const auto list = nn::clones(layer, 3);
  REQUIRE(list.size() == 3);
  for (const auto& l : list) {
    CHECK(same_bits(l.weight.detach(), layer.weight.detach()));
    CHECK_FALSE(l.weight.is_same(layer.weight));
  }
  CHECK_FALSE(list[0].weight.is_same(list[1].weight));
  CHECK(nn::clones(layer, 0).empty());
  CHECK_ERROR(nn::clones(layer, -1), Error, "clones: -1 copies asked for");
}

TEST_CASE("Sequential: runs modules and callables in order and names modules by position") {
  const auto rectify = [](const Tensor<float>& x) { return relu(x); };
  using Linear = nn::Linear<float>;
  nn::Sequential mlp(Linear(3, 4), rectify, Linear(4, 2));
  STATIC_REQUIRE(std::derived_from<decltype(mlp), nn::Module<float>>);
  const auto x = randn<float>({5, 3});
  CHECK(same_bits(mlp(x), mlp.get<2>()(relu(mlp.get<0>()(x)))));
  CHECK(names_of(mlp.named_parameters()) == Names{"0.weight", "0.bias", "2.weight", "2.bias"});
  const auto copy = mlp;
  CHECK_FALSE(copy.get<0>().weight.is_same(mlp.get<0>().weight));
  mlp.eval();
  CHECK_FALSE(mlp.get<2>().is_training());
}
