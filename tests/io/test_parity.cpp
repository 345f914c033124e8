// The parity tool: names the first layer and element that are not as PyTorch has them.
#include <gloss/io/parity.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/relu.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using Names = std::vector<std::string>;

namespace {

const std::string path = GLOSS_TEST_DATA "/layers_support.safetensors";

enum class Mistake { none, second_call, norm_eps, detached, shape, uncalled_norm };

/// tests/golden/generate_layers_support.py has the original; a mistake may be made on purpose.
template <Real T>
struct Net final : nn::Module<T> {
  nn::Linear<T> embed{3, 4};
  std::vector<nn::Linear<T>> layers = nn::clones(nn::Linear<T>(4, 4), 2);
  nn::LayerNorm<T> norm;
  nn::Linear<T> head{4, 2};
  Mistake mistake;

  explicit Net(Mistake m = Mistake::none) : norm(4, {.eps = m == Mistake::norm_eps ? 1e-2 : 1e-5}), mistake(m) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    Tensor<T> y = relu(layers[0](embed(x)));
    y = y + layers[1](y);
    y = y + layers[1](mistake == Mistake::second_call ? y * 2 : mistake == Mistake::detached ? y.detach() : y);
    if (mistake == Mistake::uncalled_norm) return this->output(head(layer_norm(y, norm.weight, norm.bias, norm.eps)));
    y = head(norm(y));
    return this->output(mistake == Mistake::shape ? y.narrow(1, 0, 1) : y);
  }
  void visit(nn::Visitor<T>& v) override {
    v("embed", embed);
    v("layers", layers);
    v("norm", norm);
    v("head", head);
  }
};

template <Real T>
io::ParityReport run(Mistake mistake, io::ParityOptions options = {}) {
  io::Parity<T> parity(path, "Net");
  Net<T> net(mistake);
  parity.load(net);
  return parity.compare(
      net, [&] { return net(parity.input(0)); }, options);
}

Names names_of(const std::vector<io::ParityDifference>& list) {
  Names names;
  for (const auto& d : list) names.push_back(d.name);
  return names;
}

}  // namespace

TEST_CASE("Parity: a faithful port agrees in every layer and gradient, in double and in float") {
  const io::ParityReport report = run<double>(Mistake::none);
  CHECK(report.ok());
  CHECK(report.layers_compared == 7);
  CHECK(report.gradients_compared == 11);
  CHECK(report.text() == "parity with " + path +
                             ", tolerance 1e-09\n"
                             "forward, outputs of layers: all 7 agree\n"
                             "backward, gradients of outputs: all 7 agree\n"
                             "backward, gradients of parameters and inputs: all 11 agree\n");
  CHECK(run<float>(Mistake::none).ok());
}

TEST_CASE("Parity: names the first layer, the call, and the first element that differ") {
  const io::ParityReport report = run<double>(Mistake::second_call);
  CHECK_FALSE(report.ok());
  REQUIRE_FALSE(report.layers.empty());
  CHECK(report.layers[0].name == "layers.1@1");
  CHECK(report.layers[0].position == Shape{0, 0});
  CHECK(report.layers[0].elements == 20);
  CHECK(report.layers[0].largest > 0.1);
  CHECK(report.last_agreeing == "layers.1");
  CHECK(names_of(report.layers) == Names{"layers.1@1", "norm", "head", "the model's output"});
  const std::string text = report.text();
  CHECK(text.find("forward, outputs of layers: 4 of 7 differ, first layers.1@1\n  element [0, 0]: ") !=
        std::string::npos);
  CHECK(text.find("; 20 of 20 elements differ, by up to ") != std::string::npos);
  CHECK(text.find("the last layer before it is as in PyTorch: layers.1\n") != std::string::npos);
}

TEST_CASE("Parity: values are told apart, and have no more digits than that takes") {
  const auto text = [](double here, double there) {
    io::ParityDifference d{.name = "head", .shape = {2}, .wanted = {2}, .position = {1}, .here = here, .there = there};
    d.largest = std::abs(here - there);
    d.elements = 1;
    io::ParityReport report;
    report.layers_compared = 1;
    report.layers.push_back(d);
    return report.text();
  };
  CHECK(text(1.0 / 3, 0.25)
            .find("  element [1]: 0.3333333333 here, 0.25 in PyTorch; 1 of 2 elements differ, by up to "
                  "0.0833\n") != std::string::npos);
  CHECK(text(1.0 / 3, 1.0 / 3 + 1e-15).find(": 0.33333333333333331 here, 0.33333333333333431 in PyTorch; ") !=
        std::string::npos);
}

TEST_CASE("Parity: finds a wrong constant of one layer, in float too, and a larger tolerance lets it pass") {
  for (const auto& report : {run<double>(Mistake::norm_eps), run<float>(Mistake::norm_eps)}) {
    CHECK(report.layers.at(0).name == "norm");
    CHECK(report.last_agreeing == "layers.1@1");
  }
  CHECK(run<double>(Mistake::norm_eps, {.tolerance = 10}).ok());
}

TEST_CASE("Parity: finds a gradient that does not flow where all outputs agree, from the end of the model") {
  const io::ParityReport report = run<double>(Mistake::detached);
  CHECK(report.layers.empty());
  CHECK(names_of(report.layer_gradients) == Names{"layers.1", "layers.0", "embed"});
  CHECK(report.gradients.at(0).name == "layers.1.weight");
  CHECK(report.text().find("backward, gradients of outputs: 3 of 7 differ, first layers.1\n") != std::string::npos);
}

TEST_CASE("Parity: says both shapes of an output, and which layers are not called or not there") {
  const io::ParityReport shapes = run<double>(Mistake::shape);
  CHECK(names_of(shapes.layers) == Names{"the model's output"});
  CHECK(shapes.text().find("first the model's output\n  shape [5, 1] here, [5, 2] in PyTorch\n") != std::string::npos);
  const io::ParityReport uncalled = run<double>(Mistake::uncalled_norm);
  CHECK(uncalled.ok());
  CHECK(uncalled.not_called == Names{"norm"});
  CHECK(uncalled.text().find("not called here: norm\n") != std::string::npos);

  struct Other final : nn::Module<double> {
    nn::Linear<double> embedding{3, 4}, far{4, 2};
    Tensor<double> operator()(const Tensor<double>& x) const { return output(far(embedding(x))); }
    void visit(nn::Visitor<double>& v) override {
      v("embed_", embedding);
      v("head", far);
    }
  };
  io::Parity<double> parity(path, "Net");
  const Other other;
  const auto report = parity.compare(other, [&] { return other(parity.input(0)); });
  CHECK(report.unknown == Names{"embed (the nearest name is embed_)", "layers.0", "layers.1", "norm"});
  CHECK(report.layers.at(0).name == "head");
  CHECK(report.last_agreeing.empty());
}

TEST_CASE("Parity: several outputs, ids and masks are taken from the dump; repeated runs give the same") {
  io::Parity<double> parity(path, "Everything/masked");
  CHECK(parity.ids(1).shape() == Shape{2, 4});
  CHECK(parity.mask("mask").shape() == Shape{2, 4, 1});
  CHECK(parity.input(0).requires_grad());
  io::Parity<double> again(path, "Net");
  Net<double> net;
  again.load(net);
  for (int i = 0; i < 3; ++i) CHECK(again.compare(net, [&] { return net(again.input(0)); }).ok());
}

TEST_CASE("Parity: a file that is no dump, a model that does not fit and a wrong input are errors") {
  CHECK_ERROR(io::Parity<float>{path}, LoadError,
              "Parity: " + path + ": is not a dump of scripts/parity.py: parity/keys is missing");
  io::Parity<float> parity(path, "Net");
  nn::Linear<float> layer(3, 4);
  CHECK_THROWS_AS(parity.load(layer), LoadError);
  CHECK_ERROR(parity.compare(layer, [] { return std::tuple<>(); }), Error,
              "Parity: no layer of the model is in " + path);
  CHECK_ERROR(parity.input(1), LoadError,
              "load_safetensors: " + path + ": Net/input/1: there is no tensor of this name");
}
