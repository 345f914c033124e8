// A residual connection, dropout and norm in one pass: against PyTorch (tests/golden/generate_ops_fused.py) and against
// the ops one after the other.
#include <cmath>

#include <gloss/kernels/add_layer_norm.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/ops/add_layer_norm.hpp>

#include "support/golden_ops.hpp"
#include "support/gradients.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;

namespace {

template <class T = double>
Tensor<T> leaf(const Shape& shape) {
  return randn<T>(shape).requires_grad_();
}

/// y and its gradients, with the same draws at each call.
template <class T, class F>
std::vector<Tensor<T>> all_of(F f, const std::vector<Tensor<T>>& inputs, const Tensor<T>& dy) {
  Rng rng(7);
  const RngGuard use(rng);
  const Tensor<T> y = f(inputs);
  std::vector<Tensor<T>> out = {y.detach()};
  for (const Tensor<T>& g : grad(y, inputs, {}, dy)) out.push_back(g);
  return out;
}

}  // namespace

TEST_CASE("golden: a norm of a sum is PyTorch's", "[ops]") {
  CHECK_GOLDEN("add_layer_norm", add_layer_norm(c["residual"], c["x"], c["gamma"], c["beta"], {.eps = c.real("eps")}));
}

TEMPLATE_TEST_CASE("add_layer_norm: is add_dropout and layer_norm, bit by bit", "", float, double) {
  using T = TestType;
  using In = const std::vector<Tensor<T>>&;
  Rng rng(51);
  const RngGuard use(rng);
  for (const Index n : {1, 3, 17, 64, 100, 512, 9000})
    for (const Index rows : {1, 5, 70})
      for (const double p : {0.0, 0.3, 1.0})
        for (const auto kind : {LayerNormKind::torch, LayerNormKind::annotated, LayerNormKind::rms}) {
          if (n == 1 && kind == LayerNormKind::annotated) continue;  // NaN
          CAPTURE(n, rows, p, static_cast<int>(kind));
          const std::vector<Tensor<T>> inputs = {leaf<T>({rows, n}), leaf<T>({rows, n}), leaf<T>({n}), leaf<T>({n})};
          const Tensor<T> dy = randn<T>({rows, n});
          const auto fused = [&](In v) {
            return add_layer_norm(v[0], v[1], v[2], v[3], {.dropout = p, .eps = 0.01, .kind = kind});
          };
          const auto composed = [&](In v) { return layer_norm(add_dropout(v[0], v[1], p), v[2], v[3], 0.01, kind); };
          const auto have = all_of<T>(fused, inputs, dy), want = all_of<T>(composed, inputs, dy);
          for (std::size_t i = 0; i < have.size(); ++i) CHECK(same_bits(have[i], want[i]));
          const NoGradGuard no_grad;  // nothing is kept then
          Rng again(7);
          const RngGuard guard(again);
          CHECK(same_bits(fused(inputs), have[0]));
        }
}

TEST_CASE("add_layer_norm: views, one tensor twice, inputs that want no gradient") {
  using In = const std::vector<Tensor<double>>&;
  Rng rng(52);
  const RngGuard use(rng);
  const Tensor<double> turned = leaf({6, 10}), r = leaf({10, 6}), gamma = leaf({6}), dy = randn<double>({10, 6});
  for (const double p : {0.0, 0.4}) {
    const auto same = [&](auto fused, auto composed, In inputs) {
      const auto have = all_of<double>(fused, inputs, dy), want = all_of<double>(composed, inputs, dy);
      for (std::size_t i = 0; i < have.size(); ++i) CHECK(same_bits(have[i].contiguous(), want[i].contiguous()));
    };
    same([p](In v) { return add_layer_norm(v[1], v[0].mT(), v[2], {}, {.dropout = p}); },
         [p](In v) { return layer_norm(add_dropout(v[1], v[0].mT(), p), v[2]); }, {turned, r, gamma});
    same([p](In v) { return add_layer_norm(v[0], v[0], {}, {}, {.dropout = p}); },
         [p](In v) { return layer_norm(add_dropout(v[0], v[0], p)); }, {r});
    for (int only = 0; only < 3; ++only) {
      const auto pick = [only](In v, auto f) {
        std::vector<Tensor<double>> in;
        for (int i = 0; i < 3; ++i) in.push_back(i == only ? v[0] : i == 2 ? ones<double>({6}) : ones<double>({10, 6}));
        return f(in);
      };
      same([&](In v) { return pick(v, [p](In x) { return add_layer_norm(x[0], x[1], x[2], {}, {.dropout = p}); }); },
           [&](In v) { return pick(v, [p](In x) { return layer_norm(add_dropout(x[0], x[1], p), x[2]); }); },
           {only == 2 ? gamma : r});
    }
  }
  CHECK(add_layer_norm(zeros<float>({0, 3}), zeros<float>({0, 3}), {}, {}, {.dropout = 0.5}).shape() == Shape{0, 3});
  CHECK(add_layer_norm(zeros<float>({3, 0}), zeros<float>({3, 0}), {}, {}, {.dropout = 0.5}).shape() == Shape{3, 0});
}

TEST_CASE("add_layer_norm: gradients agree with difference quotients") {
  Rng rng(53);
  const RngGuard use(rng);
  for (const double p : {0.0, 0.4})
    CHECK(gradcheck(
        [p](const std::vector<Tensor<double>>& v) {
          Rng draw(3);
          const RngGuard guard(draw);
          return add_layer_norm(v[0], v[1], v[2], v[3], {.dropout = p});
        },
        {leaf({4, 7}), leaf({4, 7}), leaf({7}), leaf({7})}));
}

TEST_CASE("add_layer_norm: any number of threads gives the same bits") {
  const auto run = [] {
    Rng rng(54);
    const RngGuard use(rng);
    const std::vector<Tensor<float>> in = {leaf<float>({301, 130}), leaf<float>({301, 130}), leaf<float>({130})};
    return all_of<float>([](const auto& v) { return add_layer_norm(v[0], v[1], v[2], {}, {.dropout = 0.2}); }, in,
                         in[0].detach());
  };
  const gloss_test::Threads one(1);
  const auto first = run();
  for (const int n : {2, 3, 4, 8}) {
    const gloss_test::Threads more(n);
    const auto again = run();
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(same_bits(first[i], again[i]));
  }
}

TEST_CASE("LayerNorm: of_sum is the norm of the sum, over one axis and over several") {
  Rng rng(55);
  const RngGuard use(rng);
  const auto r = randn<double>({3, 4, 5}), x = randn<double>({3, 4, 5});
  for (const Shape& sizes : {Shape{5}, Shape{4, 5}}) {
    const nn::LayerNorm<double> norm(sizes);
    CHECK(same_bits(norm.of_sum(r, x, 0.5, false), norm(r + x)));
    Rng one(3), two(3);
    const auto with = [&](Rng& draws, auto f) {
      const RngGuard guard(draws);
      return f();
    };
    CHECK(same_bits(with(one, [&] { return norm.of_sum(r, x, 0.5, true); }),
                    with(two, [&] { return norm(add_dropout(r, x, 0.5)); })));
  }
  CHECK_ERROR(nn::LayerNorm<double>(4).of_sum(r, x, 0, true), ShapeError,
              "LayerNorm: x [3, 4, 5] does not end in normalized_shape [4]");
}

TEST_CASE("add_layer_norm: wrong arguments are named") {
  const auto x = zeros<float>({2, 3});
  CHECK_ERROR(add_layer_norm(x, zeros<float>({3, 2})), ShapeError,
              "add_layer_norm: residual [2, 3] and x [3, 2] differ");
  CHECK_ERROR(add_layer_norm(scalar<float>(1), scalar<float>(1)), ShapeError,
              "add_layer_norm: a scalar has no axis to normalise");
  CHECK_ERROR(add_layer_norm(x, x, zeros<float>({2})), ShapeError,
              "add_layer_norm: gamma [2] does not match the last axis of x [2, 3]");
  CHECK_ERROR(add_layer_norm(x, x, {}, zeros<float>({2})), ShapeError,
              "add_layer_norm: beta [2] does not match the last axis of x [2, 3]");
  CHECK_ERROR(add_layer_norm(x, x, {}, {}, {.dropout = 1.5}), Error, "add_layer_norm: dropout 1.5 is not in [0, 1]");
}
