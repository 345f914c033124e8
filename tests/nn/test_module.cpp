// Parameter, Module, Visitor, Sequential, clones, clone.
#include <optional>
#include <thread>
#include <utility>

#include <gloss/nn/clones.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/nn/parameter.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/nn/state_dict.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/optim/sgd.hpp>

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

TEST_CASE("Module: a copy has numbers, buffers and ties of its own, as clone has") {
  const Zoo zoo;
  Zoo copy = zoo;
  const Zoo twin = nn::clone(zoo);
  for (const Zoo* other : {&std::as_const(copy), &twin}) {
    CHECK(other->list[1].weight.is_same(other->bare.weight));
    CHECK_FALSE(other->bare.weight.is_same(zoo.bare.weight));
    CHECK(other->num_parameters() == zoo.num_parameters());
    CHECK(names_of(other->named_parameters()) == names_of(zoo.named_parameters()));
    const auto a = other->state_dict(), b = zoo.state_dict();
    for (const auto& [name, tensor] : a) CHECK(same_bits(tensor.as<float>(), b[name].as<float>()));
  }
  CHECK_FALSE(copy.bare.weight.is_same(twin.bare.weight));
  copy.table.fill_(7);
  CHECK(zoo.table.at({0}) == 1);
}

namespace {

/// The weight of `out` is that of `in`; two halves more are tied within themselves, and one across.
struct Half final : nn::Module<float> {
  nn::Linear<float> in{2, 2}, out{2, 2};
  Half() { out.weight.tie(in.weight); }
  bool is_tied() const { return out.weight.is_same(in.weight); }
  void visit(nn::Visitor<float>& v) override { v("in", in), v("out", out); }
};
struct Whole final : nn::Module<float> {
  Parameter<float> scale{ones<float>({2, 2})};
  Half left, right;
  std::vector<Half> more;
  nn::Linear<float> head{2, 2};
  explicit Whole(std::size_t count = 2) : more(count) {
    head.weight.tie(right.out.weight);
    right.in.weight.tie(head.weight);
    if (count > 0) more[0].in.weight.tie(scale);
  }
  bool is_tied() const {
    bool all = left.is_tied() && right.is_tied() && head.weight.is_same(right.in.weight);
    for (std::size_t i = 0; i < more.size(); ++i)
      all = all && (i == 0 ? more[0].in.weight.is_same(scale) && !more[0].is_tied() : more[i].is_tied());
    return all && !left.in.weight.is_same(right.in.weight) && !left.in.weight.is_same(scale);
  }
  void visit(nn::Visitor<float>& v) override {
    v("scale", scale), v("left", left), v("right", right), v("more", more), v("head", head);
  }
};
bool share(const nn::Module<float>& a, const nn::Module<float>& b) {
  for (const auto& p : a.parameters())
    for (const auto& q : b.parameters())
      if (p.is_same(q)) return true;
  return false;
}

}  // namespace

TEST_CASE("Module: ties are kept by every way of copying, and copies share nothing") {
  const Whole source;
  REQUIRE(source.is_tied());
  std::vector<Whole> list;
  for (int i = 0; i < 5; ++i) list.push_back(source);  // grows, and moves what is there
  const std::vector<Whole> copies = list, cloned = nn::clones(source, 3);
  std::vector<const Whole*> all = {&source};
  for (const auto* from : {&std::as_const(list), &copies, &cloned})
    for (const Whole& w : *from) all.push_back(&w);
  const Whole of_copy = list[3];
  const auto in_tuple = std::make_pair(source, 1);
  const std::optional<Whole> optional = source;
  const nn::Sequential row(nn::Linear<float>(1, 1), source, [source](const Tensor<float>& x) { return x; });
  for (const Whole* w : {&of_copy, &in_tuple.first, &*optional, &row.get<1>()}) all.push_back(w);
  const auto copied_row = row;
  all.push_back(&copied_row.get<1>());
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO("copy " << i);
    CHECK(all[i]->is_tied());
    CHECK(all[i]->parameters().size() == source.parameters().size());
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(share(*all[i], *all[j]));
  }
  CHECK(optim::SGD<float>(of_copy.parameters()).parameters().size() == source.parameters().size());
}

TEST_CASE("Module: what is copied apart is tied with nothing of another copy") {
  const Whole source;
  const auto head = source.head;  // one of three tied, alone
  const Parameter<float> alone = source.right.in.weight;
  const Half half = source.right;  // two of the three, which are tied with each other
  const Whole whole = source;
  const auto head_again = source.head;
  CHECK(half.is_tied());
  CHECK(whole.is_tied());
  const std::vector<Tensor<float>> apart = {
      head.weight, alone, half.in.weight, whole.head.weight, head_again.weight, source.head.weight};
  for (std::size_t i = 0; i < apart.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(apart[i].is_same(apart[j]));
}

TEST_CASE("Module: a copy that an exception ends leaves no tie behind") {
  struct Thrower final : nn::Module<float> {
    bool throws = false;
    Thrower() = default;
    Thrower(const Thrower& other) : nn::Module<float>(other), throws(other.throws) {
      if (throws) throw 1;
    }
    void visit(nn::Visitor<float>&) override {}
  };
  struct Torn final : nn::Module<float> {
    nn::Linear<float> in{2, 2};
    Thrower thrower;
    nn::Linear<float> out{2, 2};
    Torn() { out.weight.tie(in.weight); }
    void visit(nn::Visitor<float>& v) override { v("in", in), v("thrower", thrower), v("out", out); }
  };
  Torn torn;
  torn.thrower.throws = true;
  try {
    const Torn copy = torn;
    FAIL("it did not throw");
  } catch (int) {
  }
  torn.out.weight.data()[0] = 7;
  const auto out = torn.out;
  CHECK(out.weight.at({0, 0}) == 7);
  const auto in = torn.in;
  CHECK_FALSE(in.weight.is_same(out.weight));
  torn.thrower.throws = false;
  const Torn copy = torn;
  CHECK(copy.in.weight.is_same(copy.out.weight));
}

TEST_CASE("Module: assignment keeps the ties that are there, and makes the source's where tensors are replaced") {
  const Whole source;
  Whole target;
  const auto handles = target.parameters();
  target = source;
  CHECK(target.is_tied());
  for (std::size_t i = 0; i < handles.size(); ++i) CHECK(handles[i].is_same(target.parameters()[i]));
  CHECK(same_bits(target.head.weight.detach(), source.head.weight.detach()));
  const Whole& self = target;
  target = self;
  CHECK(target.is_tied());
  const Half half = target.right;  // after an assignment to itself
  CHECK_FALSE(half.in.weight.is_same(target.right.in.weight));

  Whole longer(4);
  longer = source;  // its list is shorter afterwards
  CHECK(longer.is_tied());
  struct Pair final : nn::Module<float> {
    nn::Linear<float> a, b;
    explicit Pair(Index n, bool ties) : a(n, n), b(n, n) {
      if (ties) b.weight.tie(a.weight);
    }
    void visit(nn::Visitor<float>& v) override { v("a", a), v("b", b); }
  };
  const Pair tied(3, true);
  for (const bool was_tied : {false, true}) {
    Pair smaller(2, was_tied);
    smaller = tied;
    CHECK(smaller.a.weight.is_same(smaller.b.weight));
    CHECK_FALSE(smaller.a.weight.is_same(tied.a.weight));
  }
  Pair apart(3, false);
  apart = tied;  // the handles of an optimizer outlive it, so it stays untied
  CHECK_FALSE(apart.a.weight.is_same(apart.b.weight));
  CHECK(same_bits(apart.b.weight.detach(), tied.a.weight.detach()));
}

TEST_CASE("Module: threads copy one model at the same time, ties included") {
  const Whole source;
  std::vector<std::vector<Whole>> copies(4);
  std::vector<std::thread> threads;
  for (auto& mine : copies)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) mine.push_back(source);
    });
  for (auto& t : threads) t.join();
  for (const auto& mine : copies)
    for (const Whole& w : mine) CHECK(w.is_tied());
}

TEST_CASE("Module: moving keeps tensors, and never throws, so that a growing list moves its layers") {
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Half>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<nn::Linear<float>>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Half>);
  Half half;
  half.eval();
  const auto handles = half.parameters();
  const Half moved = std::move(half);
  CHECK_FALSE(moved.is_training());
  for (std::size_t i = 0; i < handles.size(); ++i) CHECK(handles[i].is_same(moved.parameters()[i]));
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

TEST_CASE("repeated: makes each layer anew, so that no two start alike") {
  manual_seed(6);
  const auto list = nn::repeated(3, [] { return nn::Linear<float>(2, 3); });
  manual_seed(6);
  REQUIRE(list.size() == 3);
  for (const nn::Linear<float>& layer : list)
    CHECK(same_bits(layer.weight.detach(), nn::Linear<float>(2, 3).weight.detach()));
  CHECK_FALSE(same_bits(list[0].weight.detach(), list[1].weight.detach()));
  CHECK(nn::repeated(0, [] { return nn::Linear<float>(2, 3); }).empty());
  CHECK_ERROR(nn::repeated(-1, [] { return nn::Linear<float>(2, 3); }), Error, "repeated: -1 layers asked for");
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
