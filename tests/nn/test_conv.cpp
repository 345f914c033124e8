// Convolution and pooling layers against PyTorch, option by option: tests/golden/generate_nn_conv.py
#include <gloss/nn/adaptive_avg_pool1d.hpp>
#include <gloss/nn/adaptive_avg_pool2d.hpp>
#include <gloss/nn/adaptive_max_pool1d.hpp>
#include <gloss/nn/adaptive_max_pool2d.hpp>
#include <gloss/nn/avg_pool1d.hpp>
#include <gloss/nn/avg_pool2d.hpp>
#include <gloss/nn/bilinear_pooling.hpp>
#include <gloss/nn/conv1d.hpp>
#include <gloss/nn/conv2d.hpp>
#include <gloss/nn/conv_layer.hpp>
#include <gloss/nn/max_pool1d.hpp>
#include <gloss/nn/max_pool2d.hpp>
#include <gloss/nn/rearrange.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include <sstream>

#include "support/golden_ops.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("nn_conv.safetensors");
  return file;
}

/// The names of the cases that begin with a word.
std::vector<std::string> cases(const std::string& word) {
  std::vector<std::string> found;
  for (const auto& stored : golden().file().tensors())
    if (stored.name.starts_with(word + "/") && stored.name.ends_with("/keys"))
      found.push_back(stored.name.substr(0, stored.name.size() - 5));
  return found;
}

/// The numbers of a case by their names, in the order of the generator.
class Numbers {
 public:
  Numbers(const std::string& name, const char* order)
      : values_(gloss_test::values(golden().tensor<std::int64_t>(name + "/option/numbers"))) {
    std::istringstream words(order);
    for (std::string word; words >> word;) names_.push_back(word);
    REQUIRE(names_.size() == values_.size());
  }
  Index operator[](const std::string& name) const {
    const auto at = std::find(names_.begin(), names_.end(), name);
    REQUIRE(at != names_.end());
    return values_[static_cast<std::size_t>(at - names_.begin())];
  }
  Pair pair(const std::string& name) const { return {(*this)[name + "h"], (*this)[name + "w"]}; }

 private:
  std::vector<std::string> names_;
  std::vector<Index> values_;
};

template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-10;

template <class T>
void check_near(const std::string& what, const Tensor<T>& have, const Tensor<double>& want) {
  INFO(what);
  CHECK(have.shape() == want.shape());
  double largest = 1;
  for (const double v : gloss_test::values(want))
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  const auto a = gloss_test::values(have);
  const auto b = gloss_test::values(want);
  double worst = 0;
  for (std::size_t i = 0; i < b.size() && i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]);
    if (x == b[i] || (std::isnan(x) && std::isnan(b[i]))) continue;
    const double d = std::abs(x - b[i]) / largest;
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
  }
  CHECK(worst <= tolerance<T>);
}

/// A case's output and the gradients by input and state, from x as it lies and from x in another order of memory.
template <class T, class M, class F>
void compare(const std::string& name, M& module, F forward) {
  const auto file = [&](const std::string& key) { return golden().tensor<double>(name + "/" + key); };
  const bool is_pair = golden().has(name + "/output/0");
  for (const bool strided : {false, true}) {
    INFO(name << (strided ? ", strided" : ""));
    Tensor<T> x = golden().tensor<T>(name + "/input/0");
    x.requires_grad_();
    module.zero_grad();
    const Tensor<T> y = forward(strided ? gloss_test::scattered_copy(x) : x, is_pair);
    check_near("output", y, file(is_pair ? "output/0" : "output"));
    y.backward(golden().tensor<T>(name + (is_pair ? "/d_output/0" : "/d_output")));
    check_near("d_input", x.grad(), file("d_input/0"));
    for (const auto& [key, parameter] : module.named_parameters())
      check_near(key, parameter.grad(), file("d_state/" + key));
  }
}

/// The keys of a module are PyTorch's, in its order; its state becomes the case's.
template <class T, class M>
void load(const std::string& name, M& module) {
  std::string keys;
  NoGradGuard no_grad;
  for (auto& [key, tensor] : module.named_parameters()) {
    keys += (keys.empty() ? "" : "\n") + key;
    const Tensor<T> from = golden().tensor<T>(name + "/state/" + key);
    REQUIRE(tensor.shape() == from.shape());
    tensor.detach().copy_(from);
  }
  std::string want;
  for (const std::uint8_t c : gloss_test::values(golden().tensor<std::uint8_t>(name + "/keys")))
    want += static_cast<char>(c);
  CHECK(keys == want);
}

ConvPadding conv_padding(const Numbers& n, bool two) {
  if (n["padding"] == 1) return "same";
  if (n["padding"] == 2) return "valid";
  return two ? ConvPadding(n.pair("p")) : ConvPadding(n["pw"]);
}

template <class T>
void compare_conv(const std::string& name) {
  const Numbers n(name, "dims in out kh kw sh sw padding ph pw dh dw groups bias mode");
  const auto run = [&](auto layer) {
    load<T>(name, layer);
    compare<T>(name, layer, [&](const Tensor<T>& x, bool) { return layer(x); });
  };
  const auto mode = static_cast<nn::PaddingMode>(n["mode"]);
  if (n["dims"] == 1)
    run(nn::Conv1d<T>(n["in"], n["out"], n["kw"],
                      {n["sw"], conv_padding(n, false), n["dw"], n["groups"], n["bias"] != 0, mode}));
  else
    run(nn::Conv2d<T>(n["in"], n["out"], n.pair("k"),
                      {n.pair("s"), conv_padding(n, true), n.pair("d"), n["groups"], n["bias"] != 0, mode}));
}

template <class T>
void compare_pool(const std::string& name) {
  const Numbers n(name, "kind dims kh kw sh sw ph pw dh dw ceil count_pad divisor oh ow indices");
  const auto run = [&](auto layer) {
    load<T>(name, layer);
    compare<T>(name, layer, [&](const Tensor<T>& x, bool with_indices) {
      if constexpr (requires { layer.with_indices(x); })
        if (with_indices) {
          const auto found = layer.with_indices(x);
          CHECK(gloss_test::same_bits(found.indices, golden().tensor<std::int64_t>(name + "/output/1")));
          return found.values;
        }
      return layer(x);
    });
  };
  const bool ceil = n["ceil"] != 0, border = n["count_pad"] != 0, one = n["dims"] == 1;
  const std::optional<Index> step = n["sw"] < 0 ? std::nullopt : std::optional<Index>(n["sw"]);
  const std::optional<Pair> steps = n["sw"] < 0 ? std::nullopt : std::optional<Pair>(n.pair("s"));
  const auto given = [](Index size) { return size < 0 ? std::nullopt : std::optional<Index>(size); };
  const AdaptiveSize size(given(n["oh"]), given(n["ow"]));
  if (n["kind"] == 0 && one) run(nn::MaxPool1d<T>(n["kw"], {step, n["pw"], n["dw"], ceil}));
  if (n["kind"] == 0 && !one) run(nn::MaxPool2d<T>(n.pair("k"), {steps, n.pair("p"), n.pair("d"), ceil}));
  if (n["kind"] == 1 && one) run(nn::AvgPool1d<T>(n["kw"], {step, n["pw"], ceil, border}));
  if (n["kind"] == 1 && !one) {
    const std::optional<Index> divisor = n["divisor"] == 0 ? std::nullopt : std::optional<Index>(n["divisor"]);
    run(nn::AvgPool2d<T>(n.pair("k"), {steps, n.pair("p"), ceil, border, divisor}));
  }
  if (n["kind"] == 2 && one) run(nn::AdaptiveAvgPool1d<T>(n["ow"]));
  if (n["kind"] == 2 && !one) run(nn::AdaptiveAvgPool2d<T>(size));
  if (n["kind"] == 3 && one) run(nn::AdaptiveMaxPool1d<T>(n["ow"]));
  if (n["kind"] == 3 && !one) run(nn::AdaptiveMaxPool2d<T>(size));
}

}  // namespace

TEST_CASE("Conv1d and Conv2d: every option and random combinations are PyTorch's, with all gradients", "[nn]") {
  const auto names = cases("conv");
  CHECK(names.size() >= 60);
  for (const std::string& name : names) {
    compare_conv<double>(name);
    compare_conv<float>(name);
  }
}

TEST_CASE("pooling layers: every option and random combinations are PyTorch's, with the gradient", "[nn]") {
  const auto names = cases("pool");
  CHECK(names.size() >= 40);
  for (const std::string& name : names) {
    compare_pool<double>(name);
    compare_pool<float>(name);
  }
}

TEST_CASE("Conv2d: its weight and bias begin as PyTorch's do, uniform within 1 / sqrt(fan_in)", "[nn]") {
  Rng rng(3);
  const RngGuard guard(rng);
  const nn::Conv2d<double> layer(8, 64, {3, 5}, {.groups = 2});
  const double bound = 1 / std::sqrt(4 * 15.0);
  for (const Tensor<double>& p : layer.parameters()) {
    double largest = 0, square = 0;
    for (const double v : gloss_test::values(p)) largest = std::max(largest, std::abs(v)), square += v * v;
    CHECK(largest <= bound);
    CHECK(largest > 0.9 * bound);
    CHECK(std::abs(std::sqrt(3 * square / static_cast<double>(p.numel())) / bound - 1) < 0.15);
  }
  CHECK(layer.num_parameters() == 64 * 4 * 15 + 64);
}

TEST_CASE("Conv layers: wrong sizes and options are refused as PyTorch refuses them", "[nn]") {
  using Conv1d = nn::Conv1d<float>;
  using Conv2d = nn::Conv2d<float>;
  CHECK_ERROR(Conv2d(4, 4, 3, {.groups = 0}), ShapeError, "Conv2d: groups 0 is not positive");
  CHECK_ERROR(Conv2d(4, 6, 3, {.groups = 3}), ShapeError, "Conv2d: in_channels 4 is not divisible by groups 3");
  CHECK_ERROR(Conv1d(4, 6, 3, {.groups = 4}), ShapeError, "Conv1d: out_channels 6 is not divisible by groups 4");
  CHECK_ERROR(Conv2d(4, 4, 3, {.stride = {1, 2}, .padding = "same"}), ShapeError,
              "Conv2d: padding 'same' wants stride 1");
  CHECK_ERROR(Conv2d(4, 4, 3, {.padding = "full"}), Error, "conv: padding 'full' is neither 'same' nor 'valid'");
  CHECK_ERROR(Conv1d(-1, 4, 3), ShapeError, "Conv1d: negative size: in_channels -1, out_channels 4, kernel_size 3");
  CHECK_ERROR(Conv2d(3, 4, 3)(zeros<float>({1, 4, 5, 5})), ShapeError,
              "conv2d: x [1, 4, 5, 5] has 4 channels, weight [4, 3, 3, 3] with 1 group wants 3");
  CHECK_ERROR(Conv2d(3, 4, 3, {.padding = 5, .padding_mode = nn::PaddingMode::reflect})(zeros<float>({1, 3, 5, 5})),
              ShapeError, "pad: axis 2 of shape [1, 3, 5, 5] is too short for a border of 5");
}

TEST_CASE("pooling layers: wrong sizes and options are refused as PyTorch refuses them", "[nn]") {
  const auto x = zeros<float>({1, 2, 4, 4});
  CHECK_ERROR(nn::MaxPool2d<float>(2, {.padding = 2})(x), ShapeError,
              "max_pool2d: padding 2 is more than half of a kernel of 2");
  CHECK_ERROR(nn::AvgPool2d<float>(2, {.divisor_override = 0})(x), ShapeError, "avg_pool2d: divisor_override is 0");
  CHECK_ERROR(nn::AdaptiveAvgPool2d<float>(0)(x), ShapeError, "adaptive_avg_pool2d: output size 0 is not positive");
}

TEST_CASE("Rearrange: a pattern and sizes as a layer, checked when it is made", "[nn]") {
  const auto x = arange<float>(0, 24).view({1, 6, 4});
  const nn::Rearrange<float> layer("b (h w) c -> b c h w", {{"h", 2}});
  CHECK(gloss_test::same_bits(layer(x), x.view({1, 2, 3, 4}).permute({0, 3, 1, 2})));
  const nn::Rearrange<float> copy = layer;  // owns its text
  CHECK(copy(x).shape() == Shape{1, 4, 2, 3});
  CHECK_ERROR(nn::Rearrange<float>("a (b -> a b"), Error, "rearrange: 'a (b -> a b' has a '(' without ')'");
  CHECK_ERROR(layer(zeros<float>({1, 5, 4})), ShapeError,
              "rearrange: axis 'h' of 'b (h w) c': 5 is not a multiple of h=2");
}

TEST_CASE("BilinearPooling: the formula, element by element", "[nn]") {
  Rng rng(1);
  const RngGuard guard(rng);
  auto x = randn<double>({2, 3, 2, 2});
  x.requires_grad_();
  const nn::BilinearPooling<double> layer;
  const auto y = layer(x);
  CHECK(y.shape() == Shape{2, 9});
  for (Index n = 0; n < 2; ++n) {
    double want[9], length = 0;
    for (Index i = 0; i < 9; ++i) {
      double z = 0;
      for (Index p = 0; p < 4; ++p) z += x.data()[(n * 3 + i / 3) * 4 + p] * x.data()[(n * 3 + i % 3) * 4 + p] / 4;
      want[i] = (z < 0 ? -1 : 1) * std::sqrt(std::abs(z) + 1e-5);
      length += want[i] * want[i];
    }
    for (Index i = 0; i < 9; ++i) CHECK(std::abs(y.data()[n * 9 + i] - want[i] / std::sqrt(length)) < 1e-12);
  }
  CHECK(gradcheck([&](const std::vector<Tensor<double>>& in) { return layer(in[0]); }, {x}));
  CHECK_ERROR(layer(zeros<double>({2, 3, 4})), ShapeError, "BilinearPooling: x [2, 3, 4] has not 4 axes");
  CHECK_ERROR(layer(zeros<double>({2, 3, 0, 4})), ShapeError, "BilinearPooling: x [2, 3, 0, 4] has no places");
}
