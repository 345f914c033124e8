// Linear layers with what stands behind them in the same pass: against PyTorch (tests/golden/generate_ops_fused.py) and
// against the ops one after the other.
#include <array>
#include <cmath>

#include <gloss/ops/cat.hpp>
#include <gloss/ops/joint_linear.hpp>
#include <gloss/ops/leaky_relu.hpp>
#include <gloss/ops/linear_gelu.hpp>

#include "support/golden_ops.hpp"
#include "support/gradients.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using V = std::vector<Tensor<double>>;

namespace {

template <class T = double>
Tensor<T> leaf(const Shape& shape) {
  return randn<T>(shape).requires_grad_();
}

/// The gradients of two forms of one function are the same bits, its values too up to `rounding`.
template <class T, class F, class G>
void check_same(F fused, G composed, const std::vector<Tensor<T>>& inputs, double rounding = 0) {
  const Tensor<T> a = fused(inputs), b = composed(inputs);
  CHECK(difference(a, b) <= rounding);
  const Tensor<T> dy = randn<T>(a.shape());
  const auto have = grad(a, inputs, {}, dy), want = grad(b, inputs, {}, dy);
  for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(same_bits(have[i], want[i]));
}

}  // namespace

TEST_CASE("golden: linear layers with gelu, a residual or neighbours are PyTorch's", "[ops]") {
  CHECK_GOLDEN("linear_gelu",
               linear_gelu(c["x"], c["weight"], c.has("bias") ? c["bias"] : std::decay_t<decltype(c["x"])>{},
                           c.integer("tanh") ? GeluKind::tanh : GeluKind::exact));
  CHECK_GOLDEN("add_linear", c.has("bias") ? add_linear(c["residual"], c["x"], c["weight"], c["bias"])
                                           : add_linear(c["residual"], c["x"], c["weight"]));
  CHECK_GOLDEN("joint_linear", c.has("a") ? joint_linear(c["x"], {c["v"], c["w"]}, {c["a"], c["b"]})
                                          : joint_linear(c["x"], {c["v"], c["w"]}));
}

TEMPLATE_TEST_CASE("linear_gelu, add_linear: are the two ops one after the other", "", float, double) {
  using T = TestType;
  using In = const std::vector<Tensor<T>>&;
  Rng rng(31);
  const RngGuard use(rng);
  for (const auto& [rows, in, out] : {std::array<Index, 3>{1, 5, 3}, {7, 70, 130}, {40, 33, 64}, {130, 520, 67}}) {
    CAPTURE(rows, in, out);
    const double rounding = sizeof(T) == 4 ? 1e-5 : 1e-13;  // of gelu, where the compiler joins other operations
    const auto x = leaf<T>({2, rows, in}), w = leaf<T>({out, in}), b = leaf<T>({out}), r = leaf<T>({2, rows, out});
    for (const GeluKind kind : {GeluKind::exact, GeluKind::tanh})
      check_same<T>([&](In v) { return linear_gelu(v[0], v[1], v[2], kind); },
                    [&](In v) { return gelu(linear(v[0], v[1], v[2]), kind); }, {x, w, b}, rounding);
    check_same<T>([](In v) { return linear_gelu(v[0], v[1]); }, [](In v) { return gelu(linear(v[0], v[1])); }, {x, w},
                  rounding);
    check_same<T>([](In v) { return add_linear(v[3], v[0], v[1], v[2]); },
                  [](In v) { return v[3] + linear(v[0], v[1], v[2]); }, {x, w, b, r});
    check_same<T>([](In v) { return add_linear(v[2], v[0], v[1]); }, [](In v) { return v[2] + linear(v[0], v[1]); },
                  {x, w, r});
  }
}

TEMPLATE_TEST_CASE("joint_linear: values are those of one layer after the other, gradients up to rounding", "", float,
                   double) {
  using T = TestType;
  Rng rng(32);
  const RngGuard use(rng);
  for (const auto& [rows, in, out] : {std::array<Index, 3>{1, 5, 3}, {7, 70, 130}, {40, 33, 64}, {300, 130, 67}})
    for (const std::size_t count : {1u, 2u, 3u, 6u}) {
      CAPTURE(rows, in, out, count);
      std::vector<Tensor<T>> inputs = {leaf<T>({rows, in})}, w, b, parts;
      for (std::size_t i = 0; i < count; ++i) {
        w.push_back(leaf<T>({out, in}));
        b.push_back(leaf<T>({out}));
        parts.push_back(linear(inputs[0], w[i], b[i]));
      }
      const Tensor<T> together = joint_linear(inputs[0], w, b), apart = cat(parts, -1);
      CHECK(same_bits(together.detach(), apart.detach()));
      inputs.insert(inputs.end(), w.begin(), w.end());
      inputs.insert(inputs.end(), b.begin(), b.end());
      const Tensor<T> dy = randn<T>(together.shape());
      const auto have = grad(together, inputs, {}, dy), want = grad(apart, inputs, {}, dy);
      const double tolerance = std::sqrt(static_cast<double>(out * 6)) * (sizeof(T) == 4 ? 2e-6 : 4e-15);
      CHECK(difference(have[0], want[0]) < tolerance);
      for (std::size_t i = 1; i < inputs.size(); ++i) CHECK(same_bits(have[i], want[i]));
    }
}

TEST_CASE("linear_gelu, add_linear, joint_linear: gradients and second derivatives agree with difference quotients") {
  Rng rng(33);
  const RngGuard use(rng);
  const auto x = leaf({2, 3, 4}), w = leaf({5, 4}), v = leaf({5, 4}), b = leaf({5}), r = leaf({2, 3, 5});
  for (const GeluKind kind : {GeluKind::exact, GeluKind::tanh})
    gloss_test::check_gradients([kind](const V& in) { return linear_gelu(in[0], in[1], in[2], kind); }, {x, w, b});
  gloss_test::check_gradients([](const V& in) { return add_linear(in[3], in[0], in[1], in[2]); }, {x, w, b, r});
  gloss_test::check_gradients(
      [](const V& in) {
        return joint_linear(in[0], {in[1], in[2]}, {in[3], in[3]});
      },
      {x, w, v, b});
  const auto turned = leaf({4, 3});
  gloss_test::check_gradients([](const V& in) { return linear_gelu(in[0].mT(), in[1].mT()); }, {turned, leaf({4, 2})});
  gloss_test::check_gradients([](const V& in) { return add_linear(in[2].mT(), in[0].mT(), in[1].mT()); },
                              {turned, leaf({4, 2}), leaf({2, 3})});
  gloss_test::check_gradients(
      [](const V& in) {
        return joint_linear(in[0].mT(), {in[1].mT(), in[2]});
      },
      {turned, leaf({4, 2}), leaf({2, 4})});
}

TEST_CASE("linear_gelu, add_linear, joint_linear: one input alone may want a gradient") {
  Rng rng(34);
  const RngGuard use(rng);
  const V inputs = {leaf({6, 4}), leaf({5, 4}), leaf({5, 4}), leaf({5}), leaf({5}), leaf({6, 5}), leaf({6, 10})};
  const auto all = [](const V& v) {
    return V{linear_gelu(v[0], v[1], v[3]), add_linear(v[5], v[0], v[1], v[3]),
             joint_linear(v[0], {v[1], v[2]}, {v[3], v[4]})};
  };
  const V whole = all(inputs);
  for (std::size_t i = 0; i < 6; ++i) {
    V fixed;
    for (const auto& x : inputs) fixed.push_back(x.detach());
    fixed[i].requires_grad_();
    const V alone = all(fixed);
    for (std::size_t op = 0; op < 3; ++op) {
      CAPTURE(i, op);
      if (!alone[op].requires_grad()) continue;
      const Tensor<double> dy = inputs[op == 2 ? 6 : 5].detach();
      CHECK(same_bits(grad(alone[op], {fixed[i]}, {}, dy)[0],
                      grad(whole[op], {inputs[i]}, {.retain_graph = true}, dy)[0]));
    }
  }
}

TEST_CASE("linear_gelu, add_linear, joint_linear: any number of threads gives the same bits") {
  const auto run = [] {
    Rng rng(35);
    const RngGuard use(rng);
    using F = std::vector<Tensor<float>>;
    const F in = {leaf<float>({3, 101, 140}), leaf<float>({70, 140}), leaf<float>({70, 140}), leaf<float>({70}),
                  leaf<float>({3, 101, 70})};
    F out;
    for (const Tensor<float>& y : {linear_gelu(in[0], in[1], in[3]), add_linear(in[4], in[0], in[1], in[3]),
                                   joint_linear(in[0], {in[1], in[2]}, {in[3], in[3]})}) {
      out.push_back(y.detach());
      for (const auto& g : grad(y, {in[0], in[1], in[3]}, {}, y.detach())) out.push_back(g);
    }
    return out;
  };
  const gloss_test::Threads one(1);
  const auto first = run();
  for (const int n : {2, 3, 4, 8}) {
    const gloss_test::Threads more(n);
    const auto again = run();
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(same_bits(first[i], again[i]));
  }
}

TEST_CASE("relu: NaN lets the gradient through behind a product and with dropout too") {
  const auto x = Tensor<double>{{NAN}, {-1}, {0}, {2}}.requires_grad_();
  const auto one = ones<double>({1, 1});
  const auto want = Tensor<double>{{1}, {0}, {0}, {1}};
  for (const bool recorded : {false, true}) {
    const auto slope = [&](const Tensor<double>& y) {
      return grad(sum(y), {x}, {.create_graph = recorded})[0].detach();
    };
    CHECK(same_bits(slope(linear(x, one, {}, Activation::relu)), want));
    CHECK(difference(slope(relu_dropout(x, 1e-9)), want) < 1e-8);
    CHECK(same_bits(slope(hardtanh(x, 0, 6)), want));
  }
  const auto weight = ones<double>({1, 1}).requires_grad_();
  CHECK(
      std::isnan(grad(linear(x.detach(), weight, {}, Activation::relu), {weight}, {}, ones<double>({4, 1}))[0].item()));
}

TEST_CASE("linear_gelu, add_linear, joint_linear: wrong sizes are named") {
  const auto x = zeros<float>({2, 3}), w = zeros<float>({5, 3}), b = zeros<float>({5});
  CHECK_ERROR(linear_gelu(x, zeros<float>({3})), ShapeError, "linear_gelu: weight has shape [3], a matrix is wanted");
  CHECK_ERROR(linear_gelu(x, zeros<float>({5, 4})), ShapeError,
              "linear_gelu: x [2, 3] does not end in in_features of weight [5, 4]");
  CHECK_ERROR(linear_gelu(x, w, zeros<float>({4})), ShapeError,
              "linear_gelu: bias [4] does not match out_features of weight [5, 3]");
  CHECK_ERROR(add_linear(x, x, w, b), ShapeError, "add_linear: residual [2, 3] is not of the shape of x W^T, [2, 5]");
  CHECK_ERROR(add_linear(x, x, zeros<float>({5, 4})), ShapeError,
              "add_linear: x [2, 3] does not end in in_features of weight [5, 4]");
  CHECK_ERROR(joint_linear(x, {}), ShapeError, "joint_linear: there is no weight");
  CHECK_ERROR(joint_linear(x, {w, w}, {b}), ShapeError, "joint_linear: 1 biases for 2 weights");
  CHECK_ERROR(joint_linear(x, {w, zeros<float>({4, 3})}), ShapeError,
              "joint_linear: weight 1 has shape [4, 3], weight 0 has [5, 3]");
  CHECK_ERROR(joint_linear(x, {w, zeros<float>({5, 4})}), ShapeError,
              "joint_linear: x [2, 3] does not end in in_features of weight [5, 4]");
  CHECK_ERROR(joint_linear(x, {w, w}, {b, zeros<float>({4})}), ShapeError,
              "joint_linear: bias [4] does not match out_features of weight [5, 3]");
}
