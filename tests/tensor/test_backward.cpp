#include <gloss/gloss.hpp>
#include <gloss/tensor/backward.hpp>
#include <gloss/tensor/grad.hpp>
#include <gloss/tensor/gradient_node.hpp>
#include <gloss/tensor/record.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("backward: gradients add up over uses and over calls") {
  Tensor<float> x = {1, 2, 3};
  x.requires_grad_();
  auto y = sum(x * x + x);
  y.backward({.retain_graph = true});
  CHECK(x.grad().at({2}) == 7);
  y.backward();
  CHECK(x.grad().at({2}) == 14);
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("backward: a freed graph, a missing gradient and a wrong shape are refused") {
  Tensor<float> x = {1, 2, 3};
  x.requires_grad_();
  const auto y = x * 2;
  CHECK_ERROR(y.backward(), GradError,
              "backward: a gradient is needed for an output of shape [3]; only one element has the default 1");
  CHECK_ERROR(y.backward(ones<float>({2})), GradError, "backward: gradient has shape [2], the tensor has [3]");
  y.backward(ones<float>({3}));
  CHECK_ERROR(y.backward(ones<float>({3})), GradError,
              "backward: the graph of mul was freed by an earlier backward; pass {.retain_graph = true} to that one");
  CHECK_ERROR(zeros<float>({}).backward(), GradError, "backward: the tensor does not require a gradient");
  CHECK_ERROR(Tensor<float>(y).requires_grad_(), GradError,
              "requires_grad_: the tensor is the result of mul; detach() it first");
  CHECK_ERROR(x.fill_(0), GradError, "fill_: a leaf that requires a gradient is changed in place; use a NoGradGuard");
}

TEST_CASE("backward: a closure that returns a wrong shape is named") {
  auto x = zeros<float>({3}).requires_grad_();
  const auto y =
      record("bad_op", zeros<float>({3}), {x}, [](const Tensor<float>&, Grads& dx) { dx.add(0, zeros<float>({2})); });
  CHECK_ERROR(y.backward(ones<float>({3})), GradError,
              "backward of bad_op: gradient 0 has shape [2], its input has [3]");
}

TEST_CASE("grad: returns gradients of leaves and of results and leaves x.grad() alone") {
  Tensor<double> x = {1, 2};
  x.requires_grad_();
  const auto h = x * x;
  const auto g = grad(sum(h * h), {x, h, x});
  CHECK(g[0].at({1}) == 32);
  CHECK(g[1].at({1}) == 8);
  CHECK(g[2].at({1}) == 32);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("grad: of several outputs, each with its gradient, is the gradient of their weighted sum") {
  Tensor<double> x = {1, 2}, w = {3, 4};
  x.requires_grad_(), w.requires_grad_();
  const auto a = x * w, b = sum(x * x);
  const auto both = grad({a, b}, {x, w}, {.retain_graph = true}, {Tensor<double>{10, 100}, {}});
  CHECK(both[0].at({0}) == 32);
  CHECK(both[0].at({1}) == 404);
  CHECK(both[1].at({1}) == 200);
  CHECK(grad(std::vector{a, a}, {x}, {.retain_graph = true}, {ones<double>({2}), ones<double>({2})})[0].at({0}) == 6);
  CHECK(grad({b, b}, {b}, {.retain_graph = true})[0].item() == 2);  // an output may be an input
  CHECK(grad({b}, {x, b})[1].item() == 1);
  CHECK(grad(x.view({2}), {x}, {}, Tensor<double>{5, 6})[0].at({1}) == 6);
  CHECK(grad(x, {x}, {}, Tensor<double>{5, 6})[0].at({1}) == 6);
}

TEST_CASE("grad: an input that no output depends on is an error unless it is allowed") {
  auto x = ones<double>({2}).requires_grad_(), w = ones<double>({3}).requires_grad_();
  const auto y = sum(x * 2);
  CHECK_ERROR(grad(y, {x, w}, {.retain_graph = true}), GradError,
              "grad: no output depends on input 1; pass {.allow_unused = true} if it may be so");
  CHECK_FALSE(grad(y, {w, x}, {.retain_graph = true, .allow_unused = true})[0].defined());
  CHECK(grad(y, {w, x}, {.materialize_grads = true})[0].at({2}) == 0);
}

TEST_CASE("grad: what is asked wrongly is named") {
  auto x = ones<double>({2}).requires_grad_();
  const auto y = x * 2;
  CHECK_ERROR(grad(y, {x}), GradError, "grad: a gradient is needed for an output of shape [2]");
  CHECK_ERROR(grad({y, sum(y)}, {x}, {}, {ones<double>({2})}), GradError, "grad: 1 gradients for 2 outputs");
  CHECK_ERROR(grad({y, sum(y)}, {x}, {}, {ones<double>({2}), ones<double>({1})}), GradError,
              "grad: gradient 1 has shape [1], the output has []");
  CHECK_ERROR(grad({sum(y), x.detach()}, {x}), GradError, "grad: output 1 does not require a gradient");
  CHECK_ERROR(grad(sum(y), {x, x.detach()}), GradError, "grad: input 1 does not require a gradient");
}

TEST_CASE("grad: only what lies between outputs and inputs is computed") {
  auto x = ones<double>({2}).requires_grad_(), w = ones<double>({2}).requires_grad_();
  int runs = 0;
  bool wanted = false;
  const auto count = record("count", w.detach().clone(), {w}, [&](const Tensor<double>& dy, Grads& dx) {
    ++runs;
    dx.add(0, dy);
  });
  const auto two = record("two", ones<double>({2}), {x, count}, [&](const Tensor<double>& dy, Grads& dx) {
    wanted = dx.needs(1);
    dx.add(0, dy);
    dx.add(1, dy);
  });
  grad(sum(two), {x}, {.retain_graph = true});
  CHECK_FALSE(wanted);
  grad(sum(two), {count}, {.retain_graph = true});
  CHECK(wanted);
  CHECK(runs == 0);
  grad(sum(two), {w}, {.retain_graph = true});
  CHECK(runs == 1);
  sum(two).backward();
  CHECK(runs == 2);
}

TEST_CASE("grad: of one graph after another; without retain_graph only what ran is freed") {
  auto x = ones<double>({2}).requires_grad_();
  const auto h = x * x;
  const auto y = sum(h * 2);
  CHECK(grad(y, {h})[0].at({0}) == 2);
  CHECK(grad(sum(h), {x})[0].at({0}) == 2);  // the graph above h was freed, not that below
  CHECK_ERROR(grad(y, {x}), GradError,
              "backward: the graph of sum was freed by an earlier backward; pass {.retain_graph = true} to that one");
}

TEST_CASE("no_grad and detach: nothing is recorded") {
  auto x = ones<float>({2}).requires_grad_();
  {
    NoGradGuard no_grad;
    CHECK_FALSE((x * 2).requires_grad());
  }
  CHECK((x * 2).requires_grad());
  CHECK_FALSE((x.detach() * 2).requires_grad());
  CHECK(x.detach().data() == x.data());
}

TEST_CASE("backward: a chain of a million ops runs and is destroyed without overflow") {
  auto x = ones<float>({1}).requires_grad_();
  {
    Tensor<float> y = x;
    for (int i = 0; i < 1000000; ++i) y = y + 1;
    y.backward();
    CHECK(y.item() == 1000001);
  }
  CHECK(x.grad().item() == 1);
  Tensor<float> never_run = x;
  for (int i = 0; i < 1000000; ++i) never_run = never_run + 1;
}

TEST_CASE("backward: the gradient of a leaf has memory of its own") {
  auto a = ones<float>({2}).requires_grad_(), b = ones<float>({2}).requires_grad_();
  sum(a + b).backward();
  a.grad().fill_(5);
  CHECK(b.grad().at({0}) == 1);
}

TEST_CASE("storage: a warm loop asks nothing of the system") {
  auto step = [] {
    auto x = ones<float>({64, 64}).requires_grad_();
    sum(matmul(x, x) * 2).backward();
  };
  step();
  step();
#if !defined(__SANITIZE_ADDRESS__)
  const auto before = memory_stats().requests;
  for (int i = 0; i < 5; ++i) step();
  CHECK(memory_stats().requests == before);
#endif
  const auto in_use = memory_stats().in_use;
  {
    const auto x = ones<float>({1000});
    CHECK(memory_stats().in_use >= in_use + 4000);
  }
  CHECK(memory_stats().in_use == in_use);
}
