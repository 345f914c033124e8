// Taps on the outputs of modules.
#include <memory>
#include <thread>

#include <gloss/nn/clones.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/nn/taps.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/sum.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;
using Names = std::vector<std::string>;

namespace {

/// Calls every layer of a list, one of them twice, and one layer never.
struct Net final : nn::Module<double> {
  nn::Linear<double> embed{2, 3}, unused{2, 2};
  std::vector<nn::Linear<double>> layers = nn::clones(nn::Linear<double>(3, 3), 2);

  Tensor<double> operator()(const Tensor<double>& x) const {
    const Tensor<double> y = layers[1](relu(layers[0](embed(x))));
    return output(y + layers[0](y));
  }
  void visit(nn::Visitor<double>& v) override {
    v("embed", embed);
    v("layers", layers);
    v("unused", unused);
  }
};

Names names_of(const nn::Taps<double>& taps) {
  Names names;
  for (const auto& call : taps.calls()) names.push_back(call.name);
  return names;
}

}  // namespace

TEST_CASE("Taps: give the output of a named layer, the very tensor, and only of it") {
  const Net net;
  const auto x = randn<double>({4, 2});
  nn::Taps<double> taps(net, {"embed"});
  net(x);
  CHECK(same_bits(taps["embed"].detach(), net.embed(x).detach()));
  CHECK(names_of(taps) == Names{"embed", "embed"});
}

TEST_CASE("Taps: without names hear every module, in the order of the calls, each call of one that is called twice") {
  const Net net;
  const auto x = randn<double>({4, 2});
  nn::Taps taps(net);
  const auto y = net(x);
  CHECK(names_of(taps) == Names{"embed", "layers.0", "layers.1", "layers.0", ""});
  CHECK(taps[""].is_same(y));
  REQUIRE(taps.all("layers.0").size() == 2);
  CHECK(taps.all("layers.0")[0].is_same(taps.calls()[1].y));
  CHECK(taps["layers.0"].is_same(taps.calls()[3].y));
  CHECK(taps.all("unused").empty());
  taps.clear();
  CHECK(taps.calls().empty());
  net.unused(x);
  CHECK(names_of(taps) == Names{"unused"});
}

TEST_CASE("Taps: outputs belong to the graph; with retain_grad they keep their gradients") {
  const Net net;
  const auto x = randn<double>({4, 2});
  {
    const nn::Taps taps(net, {"layers.1"});
    net(x);
    sum(taps["layers.1"]).backward();
    CHECK(net.layers[1].bias.grad().defined());
    CHECK_FALSE(taps["layers.1"].grad().defined());
  }
  net.zero_grad();
  const nn::Taps taps(net, {"embed", "layers.1"}, {.retain_grad = true});
  sum(net(x)).backward();
  CHECK(taps["layers.1"].grad().shape() == Shape{4, 3});
  CHECK(gloss_test::difference(sum(taps["embed"].grad(), 0), net.embed.bias.grad()) < 1e-12);
  {
    NoGradGuard no_grad;
    net(x);
    CHECK_FALSE(taps["embed"].requires_grad());
  }
}

TEST_CASE("Taps: several may listen at once and end in any order; afterwards nobody listens") {
  const Net net;
  const auto x = randn<double>({1, 2});
  auto first = std::make_unique<nn::Taps<double>>(net, Names{"embed"});
  auto second = std::make_unique<nn::Taps<double>>(net, Names{"layers.1"});
  net(x);
  CHECK(names_of(*first) == Names{"embed"});
  CHECK(names_of(*second) == Names{"layers.1"});
  first.reset();
  net(x);
  CHECK(names_of(*second) == Names{"layers.1", "layers.1"});
  second.reset();
  CHECK(nn::detail::OutputListener::first == nullptr);
}

TEST_CASE("Taps: hear their own model on their own thread, not a copy of it nor another thread") {
  const Net net, copy = net;
  const auto x = randn<double>({1, 2});
  const nn::Taps taps(net);
  copy(x);
  std::thread([&] { net(x); }).join();
  CHECK(taps.calls().empty());
  net(x);
  CHECK(taps.calls().size() == 5);
}

TEST_CASE("Taps: a Sequential, its layers and the identity in evaluation are heard") {
  const auto rectify = [](const Tensor<double>& x) { return relu(x); };
  nn::Sequential<double, nn::Linear<double>, decltype(rectify), nn::Dropout<double>> net(
      nn::Linear<double>(3, 4), rectify, nn::Dropout<double>());
  net.eval();
  const nn::Taps<double> taps(net);
  const auto y = net(randn<double>({2, 3}));
  CHECK(names_of(taps) == Names{"0", "2", ""});
  CHECK(taps["2"].is_same(y));
}

TEST_CASE("Taps: a wrong name is an error that gives the nearest one") {
  const Net net;
  using Taps = nn::Taps<double>;
  CHECK_ERROR(Taps(net, {"embed", "layer.0"}), Error,
              "Taps: the model has no module 'layer.0'; the nearest name is 'layers.0'");
  CHECK_ERROR(Taps(net, {"encoder.block"}), Error, "Taps: the model has no module 'encoder.block'");
  CHECK(nn::detail::OutputListener::first == nullptr);
  const Taps taps(net, {"embed"});
  CHECK_ERROR(taps["embedd"], Error, "Taps: there is no tap on 'embedd'; the nearest name is 'embed'");
  CHECK_ERROR(taps.all("layers.0"), Error, "Taps: there is no tap on 'layers.0'");
  CHECK_ERROR(taps["embed"], Error, "Taps: 'embed' was not called");
}

TEST_CASE("named_modules: lists the module itself, then all within, one under two names once") {
  struct Shared final : nn::Module<double> {
    nn::Linear<double> a{1, 1};
    void visit(nn::Visitor<double>& v) override {
      v("a", a);
      v("b", a);
    }
  };
  const Shared shared;
  const auto list = shared.named_modules();
  REQUIRE(list.size() == 2);
  CHECK((list[0].first.empty() && list[0].second == &shared));
  CHECK((list[1].first == "a" && list[1].second == &shared.a));
}
