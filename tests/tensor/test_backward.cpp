#include <gloss/gloss.hpp>

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
