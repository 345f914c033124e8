// What fails leaves things as they were: gradients when a backward throws, numbers when a change in place, a step or a
// load does.
#include <thread>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/tensor/node.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;
using gloss_test::values;
using D = Tensor<double>;
using Numbers = std::vector<double>;

namespace {
D leaf(std::initializer_list<Nested<double>> numbers) { return D(numbers).requires_grad_(); }

/// y = x, whose backward does as `act` says.
template <class F>
D identity(const D& x, F act) {
  return record("identity", x.detach().clone(), {x}, [act](const D& dy, Grads& dx) {
    act();
    dx.add(0, dy);
  });
}
constexpr auto nothing = [] {};
const auto throws = [] { throw Error("mine"); };

/// Leaves with and without a gradient, some of which `loss` reaches before it fails, and what they have.
struct Leaves {
  D a = leaf({1, 2}), b = leaf({3, 4}), c = leaf({5, 6});
  D result = a * b;
  D kept, kept_result;
  Leaves() {
    result.retain_grad();
    a.set_grad(D{10, 20});
    result.set_grad(D{7, 7});
    kept = a.grad();
    kept_result = result.grad();
  }
  D loss(const D& failing) const { return sum(result * 2) + sum(a * 3) + sum(b) + sum(failing); }
  void check_untouched() const {
    CHECK(a.grad().is_same(kept));
    CHECK(values(a.grad()) == Numbers{10, 20});
    CHECK(result.grad().is_same(kept_result));
    CHECK(values(result.grad()) == Numbers{7, 7});
    CHECK_FALSE(b.grad().defined());
    CHECK_FALSE(c.grad().defined());
  }
};
}  // namespace

TEST_CASE("all or nothing: a backward that throws leaves every gradient as it was, and a second one is whole") {
  const auto check = [](auto fail, const char* text) {
    for (const bool early : {false, true}) {  // the first or the last that backward comes to
      INFO(text << (early ? ", early" : ", late"));
      Leaves all;
      bool broken = true;
      const auto failing = [&] {
        return identity(all.c, [&] {
          if (broken) fail();
        });
      };
      const D last = early ? D{} : failing(), other = all.a * 5 + all.c, first = early ? failing() : last;
      const D loss = all.loss(first) + sum(other);
      CHECK_ERROR(loss.backward({.retain_graph = true}), Error, text);
      all.check_untouched();
      broken = false;
      loss.backward();
      CHECK(values(all.a.grad()) == Numbers{10 + 2 * 3 + 3 + 5, 20 + 2 * 4 + 3 + 5});
      CHECK(values(all.b.grad()) == Numbers{2 * 1 + 1, 2 * 2 + 1});
      CHECK(values(all.c.grad()) == Numbers{2, 2});
      CHECK(values(all.result.grad()) == Numbers{9, 9});
    }
  };
  check(throws, "mine");
#if !defined(__SANITIZE_ADDRESS__)  // for which this is the end
  check([] { empty<double>({Index{1} << 57}); }, "storage: out of memory asking for 1152921504606846976 bytes");
#endif
}

TEST_CASE("all or nothing: hooks that throw, on a result, on a leaf and after the accumulation") {
  Leaves all;
  const auto y = identity(all.c, nothing);
  const auto fails = [&] {
    CHECK_ERROR(all.loss(y).backward({.retain_graph = true}), Error, "mine");
    all.check_untouched();
  };
  HookHandle h = y.register_hook([](const D&) { throws(); });
  fails();
  h.remove();
  for (const D* x : {&all.a, &all.b, &all.c}) {
    h = x->register_hook([](const D&) { throws(); });
    fails();
    h.remove();
    h = x->register_post_accumulate_grad_hook([](const D&) { throws(); });
    fails();
    h.remove();
  }
  // hooks that have already changed gradients
  int told = 0;
  HookHandle first = all.a.register_post_accumulate_grad_hook([&, x = all.a.detach()](const D& g) {
    ++told;
    NoGradGuard no_grad;
    g.zero_();
  });
  h = all.c.register_post_accumulate_grad_hook([](const D&) { throws(); });
  fails();
  CHECK(told == 1);
  h.remove();
  all.loss(y).backward();
  CHECK(values(all.a.grad()) == Numbers{0, 0});
  CHECK(values(all.c.grad()) == Numbers{1, 1});
}

TEST_CASE("all or nothing: an overwritten value, an anomaly and a checkpoint that fails") {
  Leaves all;
  const D w = all.c * 1, product = w * w;
  {
    NoGradGuard no_grad;
    w += 1;
  }
  CHECK_ERROR(all.loss(product).backward(), GradError,
              "backward of mul: a tensor of shape [2] that was saved for it has been changed in place by add_ (version "
              "1, saved at 0); change a clone() instead");
  all.check_untouched();
  const D root = sqrt(all.c - D{5, 6}) * 0;
  {
    const AnomalyGuard guard;
    CHECK_ERROR(all.loss(root).backward({.retain_graph = true}), Error,
                "anomaly: backward of sqrt gave nan at [0] of the gradient of input 0, shape [2]");
  }
  all.check_untouched();
  int calls = 0;
  const D again = checkpoint(
      [&](const D& x) {
        if (++calls > 1) throws();
        return x * 1;
      },
      all.c);
  CHECK_ERROR(all.loss(again).backward(), Error, "mine");
  all.check_untouched();
}

TEST_CASE("all or nothing: grad() that throws leaves nothing in the graph") {
  auto x = leaf({1, 2});
  const D y = x * 3, z = y * 2;
  HookHandle h = x.register_hook([](const D&) { throws(); });
  CHECK_ERROR(grad(sum(z), {x}, {.retain_graph = true}), Error, "mine");
  h.remove();
  h = y.register_hook([](const D&) { throws(); });
  CHECK_ERROR(grad({sum(z), sum(y)}, {x}, {.retain_graph = true}), Error, "mine");
  h.remove();
  CHECK(values(grad({sum(z), sum(y)}, {x})[0]) == Numbers{9, 9});
}

TEST_CASE("all or nothing: gradients from a backward and from grad() have memory of their own") {
  auto x = leaf({1, 2}), y = leaf({3, 4});
  const D s = x + y, t = s * 1;
  s.retain_grad();
  t.retain_grad();
  sum(t).backward({.retain_graph = true});
  std::vector<D> gradients = {x.grad(), y.grad(), s.grad(), t.grad()};
  for (const D& g : grad(sum(t), {x, y, s})) gradients.push_back(g);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    CHECK(gradients[i].is_contiguous());
    for (std::size_t j = 0; j < i; ++j) CHECK(gradients[i].data() != gradients[j].data());
  }
}

TEST_CASE("all or nothing: passes that fail take nothing from those of other threads") {
  auto x = leaf({1, 2}), y = leaf({3, 4});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int k = 0; k < 100; ++k) {
        const D loss = sum(x * 2) + sum(t % 2 ? identity(y, throws) : y * 3);
        try {
          loss.backward();
        } catch (const Error&) {
        }
      }
    });
  for (auto& t : threads) t.join();
  CHECK(values(x.grad()) == Numbers{400, 400});
  CHECK(values(y.grad()) == Numbers{600, 600});
}

TEST_CASE("all or nothing: a change in place that cannot be recorded changes nothing") {
  auto w = leaf({1, 2});
  const D y = w * 1, plain = zeros<double>({2});
  const AnomalyGuard guard;
  for (const D* x : {&y, &plain}) {
    const Numbers before = values(*x);
    const auto version = x->version();
    const NodeBase* const node = x->node();
    CHECK_THROWS_AS(x->copy_(w / D{0, 0} * 0), Error);
    CHECK_THROWS_AS(add_(*x, w * D{NAN, 0}), Error);
    CHECK(values(*x) == before);
    CHECK(x->version() == version);
    CHECK(x->node() == node);
  }
  CHECK_THROWS_AS(y.fill_(NAN), Error);
  const D poisoned{NAN, 1};  // noticed first where it is written
  CHECK_THROWS_AS(y.copy_(poisoned), Error);
  CHECK(values(y) == Numbers{1, 2});
}

TEST_CASE("all or nothing: a step that fails has updated no parameter") {
#if !defined(__SANITIZE_ADDRESS__)
  double memory[2] = {};
  auto a = leaf({1, 2});
  auto b = from_blob(memory, {Index{1} << 57}).requires_grad_();  // of which only the first numbers are there
  optim::SGD<double> sgd({a, b}, {.lr = 1});
  a.set_grad(D{1, 1});
  b.set_grad(zeros<double>({1}).expand({Index{1} << 57}));
  CHECK_ERROR(sgd.step(), Error, "storage: out of memory asking for 1152921504606846976 bytes");
  CHECK(values(a) == Numbers{1, 2});
  CHECK(sgd.steps() == 0);
#endif
}

namespace {
struct Stretched final : nn::Module<double> {
  nn::Parameter<double> first{zeros<double>({2})};
  nn::Buffer<double> second{zeros<double>({1}).expand({2})};
  void visit(nn::Visitor<double>& v) override {
    v("first", first);
    v("second", second);
  }
};
}  // namespace

TEST_CASE("all or nothing: a state that cannot be written leaves the module as it was") {
  Stretched model;
  nn::StateDict dict;
  dict.add("first", ones<double>({2}));
  dict.add("second", ones<double>({2}));
  CHECK_ERROR(nn::load_state_dict(model, dict), ShapeError,
              "load_state_dict: the elements along axis 0 of shape [2] are one place in memory; clone() it first");
  CHECK(values(model.first) == Numbers{0, 0});
  const auto a = zeros<double>({2}), b = zeros<double>({1}).expand({2});
  CHECK_THROWS_AS(nn::vector_to_parameters(ones<double>({4}), {a, b}), ShapeError);
  CHECK(values(a) == Numbers{0, 0});
}

TEST_CASE("all or nothing: a batch that batch norm refuses is not counted") {
  const nn::BatchNorm1d<double> norm(2);
  CHECK_THROWS_AS(norm(zeros<double>({1, 2})), ShapeError);
  CHECK(norm.num_batches_tracked.item() == 0);
  norm(zeros<double>({2, 2}));
  CHECK(norm.num_batches_tracked.item() == 1);
}
