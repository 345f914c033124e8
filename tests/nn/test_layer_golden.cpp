// The support of layer tests itself, on cases of every kind; and the taps against PyTorch's hooks.
#include <gloss/nn/clones.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/taps.hpp>
#include <gloss/ops/amax.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/ops/relu.hpp>

#include "support/layer_golden.hpp"

using namespace gloss;
using gloss_test::check_layers;
using gloss_test::Golden;
using gloss_test::LayerCase;

namespace {

const Golden& golden() {
  static const Golden file("layers_support.safetensors");
  return file;
}

template <Real T>
struct Everything final : nn::Module<T> {
  nn::Parameter<T> unused{ones<T>({2})};
  nn::Buffer<T> scale{ones<T>({3})}, scratch{ones<T>({2}), {.persistent = false}};
  nn::Buffer<std::int64_t> count{full<std::int64_t>({}, 0)};
  nn::Embedding<T> lut{5, 3};
  nn::Linear<T> proj{3, 2};

  auto operator()(const Tensor<T>& x, const Tensor<std::int64_t>& ids, const Tensor<bool>& mask) const {
    ++*count.data();
    Tensor<T> y = proj(x * scale + lut(ids));
    if (mask.defined()) y = masked_fill(y, mask, 0.0);
    return std::tuple(y, argmax(y, -1), sum(y));
  }
  void visit(nn::Visitor<T>& v) override {
    v("unused", unused);
    v("scale", scale);
    v("count", count);
    v("scratch", scratch);
    v("lut", lut);
    v("proj", proj);
  }
};

template <Real T>
struct Net final : nn::Module<T> {
  nn::Linear<T> embed{3, 4};
  std::vector<nn::Linear<T>> layers = nn::clones(nn::Linear<T>(4, 4), 2);
  nn::LayerNorm<T> norm{4};
  nn::Linear<T> head{4, 2};

  Tensor<T> operator()(const Tensor<T>& x) const {
    Tensor<T> y = relu(layers[0](embed(x)));
    y = y + layers[1](y);
    y = y + layers[1](y);
    return this->output(head(norm(y)));
  }
  void visit(nn::Visitor<T>& v) override {
    v("embed", embed);
    v("layers", layers);
    v("norm", norm);
    v("head", head);
  }
};

}  // namespace

TEST_CASE("layer golden: a layer with options is compared in float and double") {
  check_layers(golden(), "Linear/", []<class T>(const LayerCase<T>& c) {
    return nn::Linear<T>(c.integer("in"), c.integer("out"), {.bias = c.flag("bias", true)});
  });
}

TEST_CASE("layer golden: a layer without parameters, in evaluation, with options of every kind") {
  check_layers(golden(), "Dropout", []<class T>(const LayerCase<T>& c) {
    CHECK(c.text("name", "") == "drop");
    CHECK(c.text("other", "none") == "none");
    CHECK(c.shape("sizes") == Shape{3, 1});
    CHECK_FALSE(c.has_option("bias"));
    return nn::Dropout<T>(c.real("p", 0.5));
  });
}

TEST_CASE("layer golden: ids, masks, several outputs, counts and parameters without a gradient are compared") {
  check_layers(
      golden(), "Embedding", []<class T>(const LayerCase<T>&) { return nn::Embedding<T>(5, 3); },
      [](const auto& layer, auto& c) { return layer(c.ids(0)); });
  check_layers(
      golden(), "Everything/",
      []<class T>(const LayerCase<T>& c) {
        CHECK(c.kind("0") == 'f');
        CHECK(c.kind("1") == 'i');
        if (c.has_input("mask")) CHECK(c.kind("mask") == 'b');
        return Everything<T>();
      },
      [](const auto& layer, auto& c) { return layer(c.input(0), c.ids(1), c.optional_mask("mask")); });
}

TEST_CASE("layer golden: the cases of a file are listed, and one that is not there is an error") {
  CHECK(gloss_test::layer_cases(golden(), "Linear") == std::vector<std::string>{"Linear/0", "Linear/1"});
  CHECK(gloss_test::layer_cases(golden()).size() == 7);
  CHECK_THROWS_AS(LayerCase<float>(golden(), "Linear/2"), Error);
}

TEST_CASE("layer golden: differences count relative to the largest magnitude, and NaN and infinity are seen") {
  using gloss_test::difference_to_scale;
  const double inf = INFINITY, nan = NAN;
  CHECK(difference_to_scale(Tensor<double>{1, 101}, Tensor<double>{1, 100}) == Approx(0.01));
  CHECK(difference_to_scale(Tensor<double>{0.25}, Tensor<double>{0}) == 0.25);
  CHECK(difference_to_scale(Tensor<double>{nan, inf}, Tensor<double>{nan, inf}) == 0);
  CHECK(difference_to_scale(Tensor<double>{nan}, Tensor<double>{1}) == inf);
  CHECK(difference_to_scale(Tensor<double>{1}, Tensor<double>{nan}) == inf);
  CHECK(difference_to_scale(Tensor<double>{inf}, Tensor<double>{-inf}) == inf);
  CHECK(difference_to_scale(Tensor<double>{1}, Tensor<double>{inf}) == inf);
  CHECK(difference_to_scale(zeros<double>({2}), zeros<double>({1, 2})) == inf);
}

TEST_CASE("Taps: give the outputs and gradients that PyTorch's hooks give, call by call, in the order of the forward") {
  LayerCase<double> c(golden(), "Net");
  Net<double> net;
  const nn::Taps taps(net, {}, {.retain_grad = true});
  gloss_test::check_recorded(c, net, [](const auto& layer, auto& inputs) { return layer(inputs.input(0)); });
  std::map<std::string, int> number;
  Index position = 0;
  for (const auto& [name, y] : taps.calls()) {
    if (name.empty()) continue;
    INFO(name);
    const int call = number[name]++;
    const std::string key = call == 0 ? name : name + "@" + std::to_string(call);
    CHECK(gloss_test::difference_to_scale(y, c.tensor("activation/" + key)) < 1e-12);
    CHECK(gloss_test::difference_to_scale(y.grad(), c.tensor("d_activation/" + key)) < 1e-12);
    CHECK(c.tensor<std::int64_t>("calls/" + name).at({call}) == position++);
  }
  CHECK(position == 6);
  CHECK(c.below("activation/").size() == 6);
}
