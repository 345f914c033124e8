// What ops keep for their backward in bfloat16.
#include <gloss/gloss.hpp>
#include <gloss/nn/transformer_encoder_layer.hpp>
#include <gloss/ops/add_layer_norm.hpp>
#include <gloss/ops/batch_norm.hpp>
#include <gloss/ops/conv.hpp>
#include <gloss/ops/glu.hpp>
#include <gloss/ops/group_norm.hpp>
#include <gloss/ops/joint_linear.hpp>
#include <gloss/ops/linear_gelu.hpp>
#include <gloss/ops/matmul_precision.hpp>
#include <gloss/ops/multi_head_attention.hpp>
#include <gloss/ops/saved_precision.hpp>

#include <cmath>
#include <functional>
#include <vector>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;

namespace {

using F = Tensor<float>;
using Inputs = std::vector<F>;

F rounded(const F& x) { return cast<float>(cast<bfloat16>(x)); }
F leaf(const Shape& shape) {
  F x = randn<float>(shape);
  x.requires_grad_();
  return x;
}
std::size_t memory() { return memory_stats().in_use; }

struct Case {
  const char* name;
  std::vector<Shape> inputs;  // the first is the activation
  std::function<F(const Inputs&)> op;
  double tolerance;  // of the gradients, in parts of the largest
  double kept;       // at most, in parts of what is kept in float
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"linear", {{64, 48}, {40, 48}, {40}}, [](const Inputs& x) { return linear(x[0], x[1], x[2]); }, 0.005, 0.85},
      {"linear with relu",
       {{64, 48}, {96, 48}, {96}},
       [](const Inputs& x) { return linear(x[0], x[1], x[2], kernels::Activation::relu); },
       0.005,
       0.8},
      {"add_linear",
       {{64, 48}, {40, 48}, {64, 40}},
       [](const Inputs& x) { return add_linear(x[2], x[0], x[1]); },
       0.005,
       0.8},
      {"joint_linear",
       {{64, 48}, {40, 48}, {40, 48}},
       [](const Inputs& x) {
         return joint_linear(x[0], {x[1], x[2]}, {});
       },
       0.005,
       0.9},
      {"linear_gelu",
       {{64, 48}, {96, 48}, {96}},
       [](const Inputs& x) { return linear_gelu(x[0], x[1], x[2]); },
       0.02,
       0.8},
      {"gelu", {{64, 48}}, [](const Inputs& x) { return gelu(x[0]); }, 0.02, 0.8},
      {"silu", {{64, 48}}, [](const Inputs& x) { return silu(x[0]); }, 0.02, 0.8},
      {"gelu_dropout", {{64, 48}}, [](const Inputs& x) { return gelu_dropout(x[0], 0.2); }, 0.02, 0.8},
      {"relu", {{64, 48}}, [](const Inputs& x) { return relu(x[0]); }, 0, 0.8},
      {"relu_dropout", {{64, 48}}, [](const Inputs& x) { return relu_dropout(x[0], 0.2); }, 0, 0.8},
      {"glu", {{64, 48}}, [](const Inputs& x) { return glu(x[0]); }, 0.02, 0.7},
      {"swiglu", {{64, 48}, {64, 48}}, [](const Inputs& x) { return swiglu(x[0] * 1, x[1] * 1); }, 0.02, 0.75},
      {"layer_norm", {{64, 48}, {48}, {48}}, [](const Inputs& x) { return layer_norm(x[0], x[1], x[2]); }, 0.02, 0.8},
      {"rms_norm", {{64, 48}, {48}}, [](const Inputs& x) { return rms_norm(x[0], x[1]); }, 0.02, 0.8},
      {"add_layer_norm",
       {{64, 48}, {64, 48}, {48}},
       [](const Inputs& x) { return add_layer_norm(x[0], x[1], x[2], {}, {.dropout = 0.2}); },
       0.02,
       0.8},
      {"scaled_dot_product_attention",
       {{2, 4, 16, 24}, {2, 4, 20, 24}, {2, 4, 20, 16}},
       [](const Inputs& x) { return scaled_dot_product_attention(x[0] * 1, x[1] * 1, x[2] * 1, {.causal = true}); },
       0.03,
       0.7},
      {"multi_head_attention",
       {{3, 16, 3 * 32}},
       [](const Inputs& x) { return multi_head_attention<float>({x[0]}, 4, {.causal = true}); },
       0.03,
       0.8},
      {"conv2d",
       {{2, 3, 16, 16}, {4, 3, 3, 3}},
       [](const Inputs& x) { return conv2d(x[0], x[1], {}, {.padding = 1}); },
       0.01,
       0.8},
      {"batch_norm",
       {{4, 3, 16, 16}, {3}},
       [](const Inputs& x) {
         return batch_norm(x[0], zeros<float>({3}), ones<float>({3}), x[1], {}, {.training = true});
       },
       0.02,
       0.8},
      {"group_norm", {{4, 6, 16, 16}, {6}}, [](const Inputs& x) { return group_norm(x[0], 3, x[1]); }, 0.02, 0.8},
  };
  return all;
}

struct Run {
  F y;
  std::vector<F> gradients;
  std::size_t kept;  // between forward and backward
};
/// The op on results of other ops, of which nobody else holds any, and on the leaves behind the first.
Run run(const Case& c, const Inputs& leaves, SavedPrecision precision, int threads = 1) {
  const SavedPrecisionGuard guard(precision);
  const gloss_test::Threads use_threads(threads);
  Rng rng(3);
  const RngGuard use(rng);
  const std::size_t at_first = memory();
  Inputs in = leaves;
  in[0] = in[0] * 1;
  const F y = c.op(in) * 1;  // the op's own result is nobody else's either
  in.clear();
  Run result{y.detach(), {}, memory() - at_first - static_cast<std::size_t>(y.numel()) * 4};
  sum(y * randn<float>(y.shape())).backward();
  for (const F& x : leaves) result.gradients.push_back(x.grad().clone());
  for (const F& x : leaves) F(x).zero_grad();
  return result;
}

}  // namespace

TEST_CASE("saved precision: the forward's bits, gradients of rounded numbers, less memory") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    Rng rng(2);
    const RngGuard use(rng);
    Inputs leaves;
    for (const Shape& shape : c.inputs) leaves.push_back(leaf(shape));
    const Run whole = run(c, leaves, SavedPrecision::float32), half = run(c, leaves, SavedPrecision::bfloat16);
    CHECK(difference(half.y, whole.y) == 0);
    CHECK(static_cast<double>(half.kept) <= c.kept * static_cast<double>(whole.kept));
    double off = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const double largest = static_cast<double>(max(abs(whole.gradients[i])).item());
      const double wrong = difference(half.gradients[i], whole.gradients[i]);
      CHECK(wrong <= c.tolerance * largest);
      off = std::max(off, wrong);
    }
    CHECK((off > 0) == (c.tolerance > 0));  // it did round
    const Run again = run(c, leaves, SavedPrecision::bfloat16, 3);
    for (std::size_t i = 0; i < leaves.size(); ++i) CHECK(difference(again.gradients[i], half.gradients[i]) == 0);
  }
  CHECK(saved_precision() == SavedPrecision::float32);
}

TEST_CASE("saved precision: a product's gradient is that of the rounded input") {
  Rng rng(4);
  const RngGuard use(rng);
  const F x = randn<float>({64, 32}), w = leaf({16, 32}), dy = randn<float>({64, 16});
  F source = x.clone();
  source.requires_grad_();
  const SavedPrecisionGuard guard(SavedPrecision::bfloat16);
  linear(source * 1, w).backward(dy);
  CHECK(difference(w.grad(), matmul(dy.mT(), rounded(x))) == 0);
  CHECK(difference(source.grad(), matmul(dy, w.detach())) == 0);
}

TEST_CASE("saved precision: one copy for all that save a tensor, none for leaves and small ones") {
  const SavedPrecisionGuard guard(SavedPrecision::bfloat16);
  const F x = leaf({128, 64}), w = leaf({64, 64}), small = leaf({8, 64});
  const std::size_t bytes = 128 * 64 * 4;
  F h = x * 1;
  const F a = linear(h, w), b = gelu(h);
  const std::size_t with_h = memory();
  h = {};
  CHECK(memory() == with_h - bytes);  // what is left of h is half of it, once
  const F c = gelu(h = x * 1);
  const std::size_t one = memory();
  const F d = gelu(h);
  CHECK(memory() - one < bytes + 1024);  // d alone
  const std::size_t before = memory();
  const F e = linear(x, w);  // a leaf
  CHECK(memory() - before < bytes + 1024);
  const F f = linear(small * 1, w);
  f.backward(ones<float>({8, 64}));
  CHECK(difference(w.grad(), matmul(ones<float>({64, 8}), small.detach())) == 0);
}

TEST_CASE("saved precision: a later change in place does no harm, and float notices it") {
  const auto change = [] {
    const F x = leaf({64, 32}), w = leaf({16, 32});
    F h = x * 1;
    const F y = linear(h, w);
    const F before = rounded(h.detach());
    h.detach().fill_(7);
    y.backward(ones<float>({64, 16}));
    return difference(w.grad(), matmul(ones<float>({16, 64}), before));
  };
  CHECK_THROWS_AS(change(), GradError);
  const SavedPrecisionGuard guard(SavedPrecision::bfloat16);
  CHECK(change() == 0);
}

TEST_CASE("saved precision: a graph that is kept, second derivatives, double, no gradients") {
  const SavedPrecisionGuard guard(SavedPrecision::bfloat16);
  Rng rng(5);
  const RngGuard use(rng);
  const F x = leaf({64, 32}), w = leaf({48, 32});
  const F y = linear_gelu(gelu(layer_norm(x * 1)), w);
  sum(y).backward({.retain_graph = true});
  const F once = w.grad().clone(), once_x = x.grad().clone();
  F(w).zero_grad(), F(x).zero_grad();
  sum(y).backward();
  CHECK(difference(w.grad(), once) == 0);
  CHECK(difference(x.grad(), once_x) == 0);

  const F z = leaf({64, 32});
  const F g = grad(sum(silu(z * 1)), {z}, {.create_graph = true})[0];
  const F second = grad(sum(g), {z})[0];
  const SavedPrecisionGuard whole(SavedPrecision::float32);
  const F exact = grad(sum(grad(sum(silu(z * 1)), {z}, {.create_graph = true})[0]), {z})[0];
  CHECK(difference(second, exact) < 0.01);
  CHECK(difference(second, exact) > 0);

  set_saved_precision(SavedPrecision::bfloat16);
  const auto u = randn<double>({64, 32}).requires_grad_(), v = randn<double>({16, 32}).requires_grad_();
  linear(u * 1, v).backward(ones<double>({64, 16}));
  CHECK(difference(v.grad(), matmul(ones<double>({16, 64}), u.detach())) < 1e-12);
  const NoGradGuard no_grad;
  const F h = x * 1;
  const std::size_t before = memory();
  const F out = gelu(h);
  CHECK(memory() - before < 64 * 32 * 4 + 1024);
  CHECK(saved_precision() == SavedPrecision::bfloat16);
}

TEST_CASE("saved precision: an encoder layer keeps little more than half, and trains alike") {
  const auto train = [](SavedPrecision precision, std::size_t& kept) {
    const SavedPrecisionGuard guard(precision);
    Rng rng(6);
    const RngGuard use(rng);
    nn::TransformerEncoderLayer<float> layer(
        64, 4, {.dim_feedforward = 256, .dropout = 0.1, .activation = "gelu", .batch_first = true, .norm_first = true});
    const F x = leaf({4, 32, 64}), goal = randn<float>({4, 32, 64});
    double loss = 0;
    for (int step = 0; step < 60; ++step) {
      const std::size_t before = memory();
      F y = layer(x * 1) - goal;
      kept = memory() - before;
      const F l = mean(y * y);
      loss = static_cast<double>(l.item());
      l.backward();
      const NoGradGuard no_grad;
      for (auto& p : layer.parameters()) p.detach().copy_(p.detach() - p.grad() * 0.05f), p.zero_grad();
    }
    return loss;
  };
  std::size_t whole_kept = 0, half_kept = 0;
  const double whole = train(SavedPrecision::float32, whole_kept), half = train(SavedPrecision::bfloat16, half_kept);
  CHECK(static_cast<double>(half_kept) < 0.65 * static_cast<double>(whole_kept));
  CHECK(half != whole);
  CHECK(std::abs(half / whole - 1) < 0.003);
}
