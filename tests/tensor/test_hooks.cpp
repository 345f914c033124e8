#include <thread>

#include <gloss/gloss.hpp>
#include <gloss/tensor/hooks.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;
using D = Tensor<double>;
using Numbers = std::vector<double>;

namespace {
D leaf(std::initializer_list<Nested<double>> numbers) { return D(numbers).requires_grad_(); }
}  // namespace

TEST_CASE("register_hook: sees the whole gradient once, in order, and may take its place") {
  auto x = leaf({1, 2});
  std::vector<std::string> calls;
  std::vector<Numbers> seen;
  const auto note = [&](std::string name) {
    return [&, name](const D& g) {
      calls.push_back(name);
      seen.push_back(values(g));
    };
  };
  const auto y = x * 3;
  y.register_hook(note("y"));
  y.register_hook([](const D& g) { return g * 10; });
  y.register_hook(note("y again"));
  x.register_hook(note("x"));
  x.register_hook([](const D& g) { return g + 1; });
  (sum(y) + sum(y * y)).backward();
  CHECK(calls == std::vector<std::string>{"y", "y again", "x"});
  CHECK(seen == std::vector<Numbers>{{7, 13}, {70, 130}, {210, 390}});
  CHECK(values(x.grad()) == Numbers{211, 391});
}

TEST_CASE("register_hook: a leaf that is used often is told the sum, once in each backward") {
  auto x = leaf({1, 2});
  int calls = 0;
  x.register_hook([&](const D& g) {
    ++calls;
    return g * 2;
  });
  const auto loss = sum(x * x + x + x.view({2}));
  loss.backward({.retain_graph = true});
  CHECK(calls == 1);
  CHECK(values(x.grad()) == Numbers{8, 12});
  loss.backward();
  CHECK(calls == 2);
  CHECK(values(x.grad()) == Numbers{16, 24});
}

TEST_CASE("register_hook: a removed hook is not called, also when it removes itself") {
  auto x = leaf({1});
  int first = 0, second = 0;
  HookHandle a = x.register_hook([&](const D&) { ++first; }), b;
  b = x.register_hook([&](const D&) {
    ++second;
    b.remove();
  });
  sum(x).backward();
  a.remove();
  a.remove();
  sum(x).backward();
  CHECK(first == 1);
  CHECK(second == 1);
  HookHandle().remove();
}

TEST_CASE("register_hook: what a removed hook holds is given back when the next is registered") {
  auto x = leaf({1});
  const auto held = leaf({2});
  for (int i = 0; i < 3; ++i) {
    x.register_hook([held](const D&) {}).remove();
    x.register_post_accumulate_grad_hook([held](const D&) {}).remove();
  }
  x.register_hook([](const D&) {});
  x.register_post_accumulate_grad_hook([](const D&) {});
  CHECK(held.owns_memory());
}

TEST_CASE("register_hook: grad() gives what hooks made of a gradient, and calls no others") {
  auto x = leaf({1, 2}), w = leaf({1, 1});
  int other = 0;
  w.register_hook([&](const D&) { ++other; });
  x.register_hook([](const D& g) { return g * 2; });
  const auto y = x * w;
  y.register_hook([](const D& g) { return g * 5; });
  const auto g = grad(sum(y), {x, y});
  CHECK(values(g[0]) == Numbers{10, 10});
  CHECK(values(g[1]) == Numbers{5, 5});
  CHECK(other == 0);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("register_hook: works in a recorded backward, whose second derivative it joins") {
  auto x = leaf({3});
  x.register_hook([](const D& g) { return g * g; });
  const auto g = grad(x * x, {x}, {.create_graph = true})[0];  // (2x)^2
  CHECK(g.item() == 36);
  auto z = leaf({3});
  const auto first = z * z;
  first.register_hook([](const D& d) { return d * 2; });
  const auto slope = grad(first * z, {z}, {.create_graph = true})[0];  // z^2 + 2 z 2z
  CHECK(slope.item() == 45);
}

TEST_CASE("register_hook: errors of hooks come out, name shapes, and leave nothing behind") {
  auto x = leaf({1, 2});
  const auto y = x * 2;
  HookHandle h = y.register_hook([](const D&) { return zeros<double>({3}); });
  CHECK_ERROR(sum(y).backward(), GradError,
              "register_hook: a hook returned a gradient of shape [3] for one of shape [2]");
  h.remove();
  h = x.register_hook([](const D&) { throw Error("mine"); });
  const auto loss = sum(y);
  CHECK_ERROR(loss.backward({.retain_graph = true}), Error, "mine");
  CHECK_FALSE(x.grad().defined());
  h.remove();
  loss.backward();
  CHECK(values(x.grad()) == Numbers{2, 2});
  CHECK_ERROR(x.detach().register_hook([](const D&) {}), GradError,
              "register_hook: the tensor does not require a gradient");
}

TEST_CASE("retain_grad: a result keeps its gradient, after hooks, added up over backwards") {
  auto x = leaf({1, 2});
  const auto y = x * 3;
  CHECK_FALSE(y.retains_grad());
  y.retain_grad();
  x.retain_grad();
  CHECK(y.retains_grad());
  CHECK(x.retains_grad());
  y.register_hook([](const D& g) { return g * 2; });
  const auto loss = sum(y * y);
  CHECK_FALSE(y.grad().defined());
  loss.backward({.retain_graph = true});
  CHECK(values(y.grad()) == Numbers{12, 24});
  loss.backward({.retain_graph = true});
  CHECK(values(y.grad()) == Numbers{24, 48});
  CHECK(values(x.grad()) == Numbers{72, 144});
  y.zero_grad();
  CHECK_FALSE(y.grad().defined());
  CHECK_ERROR(x.detach().retain_grad(), GradError, "retain_grad: the tensor does not require a gradient");
  CHECK_ERROR((x * 2).set_grad(zeros<double>({2})), GradError,
              "set_grad: only a leaf that requires a gradient keeps one");
}

TEST_CASE("register_post_accumulate_grad_hook: sees the leaf's gradient as it now stands") {
  auto x = leaf({1, 2});
  std::vector<Numbers> seen;
  x.register_post_accumulate_grad_hook([&](const D& g) { seen.push_back(values(g)); });
  sum(x * x).backward();
  sum(x + x).backward();
  CHECK(seen == std::vector<Numbers>{{2, 4}, {4, 6}});
  grad(sum(x), {x});
  CHECK(seen.size() == 2);
  CHECK_ERROR((x * 2).register_post_accumulate_grad_hook([](const D&) {}), GradError,
              "register_post_accumulate_grad_hook: only a leaf that requires a gradient gathers one");
}

TEST_CASE("hooks: threads that run backward into one hooked leaf lose nothing") {
  auto x = leaf({1, 2});
  std::atomic<int> calls = 0;
  x.register_hook([&](const D& g) {
    ++calls;
    return g * 2;
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) sum(x * 1 + x).backward();
    });
  for (auto& t : threads) t.join();
  CHECK(calls == 400);
  CHECK(values(x.grad()) == Numbers{1600, 1600});
}
