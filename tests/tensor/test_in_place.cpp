// Changes in place: what they compute, what the graph makes of them, and that a backward never uses a value that was
// overwritten. tests/ops/test_saved.cpp does the last for every op.
#include <thread>

#include <gloss/gloss.hpp>
#include <gloss/tensor/overwrite.hpp>
#include <gloss/tensor/saved.hpp>
#include <gloss/tensor/scalar.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;
using gloss_test::values;

namespace {
Tensor<double> leaf(std::initializer_list<Nested<double>> numbers) { return Tensor<double>(numbers).requires_grad_(); }
}  // namespace

TEMPLATE_TEST_CASE("in place: the numbers change where they stand, for handles and views alike", "", float, double,
                   std::int64_t) {
  using T = TestType;
  Tensor<T> x = {{1, 2, 3}, {4, 5, 6}};
  const Tensor<T> handle = x, row = x[1], column = x.select(1, 0);
  const T* const memory = x.data();
  x += x;
  CHECK(values(x) == std::vector<T>{2, 4, 6, 8, 10, 12});
  x -= Tensor<T>{1, 0, 2};
  CHECK(values(x) == std::vector<T>{1, 4, 4, 7, 10, 10});
  row *= 2;
  CHECK(values(handle) == std::vector<T>{1, 4, 4, 14, 20, 20});
  x.transpose(0, 1) += Tensor<T>{10, 20};
  CHECK(values(x) == std::vector<T>{11, 14, 14, 34, 40, 40});
  column += 1;
  x[0] -= 1;
  CHECK(values(x) == std::vector<T>{11, 13, 13, 35, 40, 40});
  add_(x, Tensor<T>{1, 1, 1}, 3);
  sub_(x, Tensor<T>{1, 0, 0}, 2);
  CHECK(values(x) == std::vector<T>{12, 16, 16, 36, 43, 43});
  masked_fill_(x, x == 16, 5);
  mul_(x, Tensor<T>{1, 2, 3});
  CHECK(values(x) == std::vector<T>{12, 10, 15, 36, 86, 129});
  x.mT() += x.mT();  // the same elements: their earlier values are added
  CHECK(values(x) == std::vector<T>{24, 20, 30, 72, 172, 258});
  Tensor<T> square = {{1, 2}, {3, 4}};
  square += square.mT();  // others' elements, some of which are overwritten before they are read
  CHECK(values(square) == std::vector<T>{2, 5, 5, 8});
  CHECK(x.data() == memory);
  Tensor<T> none = zeros<T>({0, 3}), one = full<T>({}, 3);
  none += 1;
  none *= zeros<T>({3});
  one *= one;
  CHECK(one.item() == 9);
}

TEST_CASE("in place: a const handle is enough for all that changes numbers or the graph, and is returned") {
  const Tensor<double> x = zeros<double>({2, 2}), b = ones<double>({2, 2});
  CHECK(x.fill_(3).is_same(x));
  CHECK(values(x) == std::vector<double>{3, 3, 3, 3});
  CHECK(x.zero_().is_same(x));
  CHECK(x.copy_(b).is_same(x));
  CHECK(add_(x, b).is_same(x));
  CHECK(sub_(x, 1).is_same(x));
  CHECK(mul_(x, 4).is_same(x));
  CHECK(div_(x, 2).is_same(x));
  CHECK(clamp_(x, 0, 1).is_same(x));
  CHECK(relu_(x).is_same(x));
  CHECK(masked_fill_(x, x > 0, 5).is_same(x));
  CHECK((x += 1).is_same(x));
  x.select(0, 0).zero_();
  zeros<double>({3}).fill_(1).copy_(ones<double>({3}));  // on what has no name
  CHECK(values(x) == std::vector<double>{0, 0, 6, 6});
  CHECK(x.requires_grad_().is_same(x));
  sum(x * x).backward();
  x.set_grad(x.grad() * 2);
  x.zero_grad();
  CHECK(x.requires_grad());
  CHECK_FALSE(x.requires_grad_(false).requires_grad());
  const Tensor<std::int64_t> ids = zeros<std::int64_t>({2});
  CHECK(ids.fill_(7).copy_(ids).at({1}) == 7);
  CHECK(Tensor<double>{1, 2}.fill_(4).requires_grad_().requires_grad());
}

TEST_CASE("in place: division, bounds and the rectifier") {
  Tensor<double> x = {-4, 0, 1, 9, NAN};
  x /= 2;
  div_(x, Tensor<double>{1, 1, 1, 3, 1});
  CHECK(same_bits(x.slice(0, 0, 4), Tensor<double>{-2, 0, 0.5, 1.5}));
  clamp_(x, -1, 1);
  CHECK(same_bits(x.slice(0, 0, 4), Tensor<double>{-1, 0, 0.5, 1}));
  relu_(x);
  CHECK(same_bits(x.slice(0, 0, 4), Tensor<double>{0, 0, 0.5, 1}));
  CHECK(std::isnan(x.at({4})));
}

TEST_CASE("in place: shapes that do not fit and elements that share a place are refused") {
  auto x = zeros<float>({2, 3});
  CHECK_ERROR(x += zeros<float>({4, 2, 3}), ShapeError, "add_: [4, 2, 3] does not broadcast to [2, 3]");
  CHECK_ERROR(x *= zeros<float>({2}), ShapeError, "mul_: shapes do not broadcast: a [2, 3], b [2] differ at axis -1");
  CHECK_ERROR(zeros<float>({3}).expand({2, 3}) += 1, ShapeError,
              "add_: the elements along axis 0 of shape [2, 3] are one place in memory; clone() it first");
  CHECK_ERROR(zeros<float>({3}).expand({2, 3}).copy_(x), ShapeError,
              "copy_: the elements along axis 0 of shape [2, 3] are one place in memory; clone() it first");
  CHECK_ERROR(zeros<float>({1}).expand({3}).fill_(2), ShapeError,
              "fill_: the elements along axis 0 of shape [3] are one place in memory; clone() it first");
}

TEST_CASE("in place: in the graph it is the op of the same name") {
  // each case twice: in place on x * 1, and by the op
  const auto check = [](auto in_place, auto op) {
    auto x = leaf({0.5, -1.5, 2, -0.25}), w = leaf({2, 3, -1, 0.5});
    auto y = x * 1;
    const double* const memory = y.data();
    in_place(y, w);
    CHECK(y.data() == memory);
    const auto g = grad(sum(y * y), {x, w}, {.create_graph = true, .materialize_grads = true});
    const auto expected = op(x * 1, w);
    const auto e = grad(sum(expected * expected), {x, w}, {.create_graph = true, .materialize_grads = true});
    CHECK(same_bits(y, expected));
    CHECK(same_bits(g[0], e[0]));
    CHECK(same_bits(g[1], e[1]));
    if (g[0].requires_grad()) CHECK(same_bits(grad(sum(g[0]), {x})[0], grad(sum(e[0]), {x})[0]));
  };
  using D = Tensor<double>;
  check([](D& y, const D& w) { y += w; }, [](const D& y, const D& w) { return y + w; });
  check([](D& y, const D&) { y -= 3; }, [](const D& y, const D&) { return y - 3; });
  check([](D& y, const D& w) { sub_(y, w, 2); }, [](const D& y, const D& w) { return y - w * 2; });
  check([](D& y, const D& w) { y *= w; }, [](const D& y, const D& w) { return y * w; });
  check([](D& y, const D&) { y *= y; }, [](const D& y, const D&) { return y * y; });
  check([](D& y, const D& w) { y /= w; }, [](const D& y, const D& w) { return y / w; });
  check([](D& y, const D&) { y /= 4; }, [](const D& y, const D&) { return y / 4; });
  check([](D& y, const D&) { clamp_(y, -1, 1); }, [](const D& y, const D&) { return clamp(y, -1, 1); });
  check([](D& y, const D&) { relu_(y); }, [](const D& y, const D&) { return relu(y); });
  check([](D& y, const D& w) { masked_fill_(y, w > 1, 7); },
        [](const D& y, const D& w) { return masked_fill(y, w > 1, 7); });
  check([](D& y, const D& w) { y.copy_(w * 2); }, [](const D&, const D& w) { return w * 2; });
  check([](D& y, const D& w) { (y *= w) += w; }, [](const D& y, const D& w) { return y * w + w; });
}

TEST_CASE("in place: plain memory joins the graph with what is written to it; constants cut it") {
  auto w = leaf({2, 3});
  auto y = zeros<double>({2});
  y += w;
  y *= 3;
  sum(y).backward();
  CHECK(values(w.grad()) == std::vector<double>{3, 3});
  w.zero_grad();
  auto z = zeros<double>({3, 2});
  z.copy_(w);  // stretched
  sum(z).backward();
  CHECK(values(w.grad()) == std::vector<double>{3, 3});
  auto cut = w * 2;
  cut.fill_(1);
  CHECK(cut.requires_grad());
  CHECK_FALSE(grad(sum(cut), {w}, {.allow_unused = true})[0].defined());
}

TEST_CASE("in place: leaves and shared memory are refused while a graph is recorded, and not under NoGradGuard") {
  auto x = leaf({1, 2});
  CHECK_ERROR(x += 1, GradError, "add_: a leaf that requires a gradient is changed in place; use a NoGradGuard");
  CHECK_ERROR(x.zero_(), GradError, "fill_: a leaf that requires a gradient is changed in place; use a NoGradGuard");
  CHECK_ERROR(x.copy_(x), GradError, "copy_: a leaf that requires a gradient is changed in place; use a NoGradGuard");
  const std::string shared =
      "a change of a tensor in the graph cannot be recorded while others (a view, a detach(), a saved result) share "
      "its "
      "memory; change a clone() instead";
  CHECK_ERROR(x[0] += 1, GradError, "add_: " + shared);
  auto y = x * 2;
  {
    const auto view = y[0];
    CHECK_ERROR(y *= 2, GradError, "mul_: " + shared);
    CHECK_ERROR(y[1] *= 2, GradError, "mul_: " + shared);
  }
  y *= 2;  // the view is gone
  auto part = (x * 2).view({2, 1});
  part += 1;  // what it was a view of is gone
  auto plain = zeros<double>({2});
  CHECK_ERROR(plain[0].copy_(x[0]), GradError, "copy_: " + shared);
  {
    NoGradGuard no_grad;
    x += 1;
    x[0] *= 5;
    y[0] += 1;
  }
  CHECK(values(x) == std::vector<double>{10, 3});
  CHECK(x.is_leaf());
  sum(part).backward();
  CHECK(values(x.grad()) == std::vector<double>{2, 2});
}

TEST_CASE("versions: they grow with changes, over all views of the memory") {
  auto x = empty<float>({2, 2});
  CHECK(x.version() == 0);
  x.zero_();
  x[1].fill_(3);
  x.detach() += 1;
  CHECK(x.version() == 3);
  CHECK(x.mT().version() == 3);
  x.mark_changed("somebody");
  CHECK(x.version() == 4);
  CHECK(x.clone().version() == 0);
}

TEST_CASE("versions: a saved tensor that was changed is named with the op, the change and both versions") {
  auto x = leaf({1, 2, 3}), w = leaf({1, 1, 1});
  auto y = x * 2;
  auto loss = sum(y * w);
  y += 1;
  CHECK_ERROR(loss.backward(), GradError,
              "backward of mul: a tensor of shape [3] that was saved for it has been changed in place by add_ (version "
              "1, saved at 0); change a clone() instead");
  CHECK_FALSE(x.grad().defined());
  loss = sum(x * w);
  {
    NoGradGuard no_grad;
    w.fill_(2);
    w[0].fill_(3);
  }
  CHECK_ERROR(
      loss.backward(), GradError,
      "backward of mul: a tensor of shape [3] that was saved for it has been changed in place by fill_ (version "
      "2, saved at 0); change a clone() instead");
  // what is not saved may change
  auto a = x * 2, total = a + w;
  a += 1;
  sum(total).backward();
  CHECK(values(x.grad()) == std::vector<double>{2, 2, 2});
  // a change of the copy is none of the original
  const auto product = sum(x * w);
  x.detach().clone() += 1;
  product.backward();
}

TEST_CASE("versions: an optimizer's step, a loaded state and data() with mark_changed() count") {
  auto w = leaf({1, 2});
  optim::SGD<double> sgd({w}, {.lr = 0.1});
  const auto loss = sum(w * w);
  loss.backward({.retain_graph = true});
  sgd.step();
  CHECK_ERROR(loss.backward(), GradError,
              "backward of mul: a tensor of shape [2] that was saved for it has been changed in place by an optimizer "
              "(version 1, saved at 0); change a clone() instead");
  nn::Linear<double> layer(2, 2), other(2, 2);
  const auto y = sum(layer(w.detach().view({1, 2}).clone().requires_grad_()));
  layer.weight = other.weight;
  CHECK_ERROR(y.backward(), GradError,
              "backward of linear: a tensor of shape [2, 2] that was saved for it has been changed in place by copy_ "
              "(version " +
                  std::to_string(layer.weight.version()) + ", saved at " + std::to_string(layer.weight.version() - 1) +
                  "); change a clone() instead");
  const auto z = sum(w * w);
  w.data()[0] = 5;
  w.mark_changed("me");
  CHECK_ERROR(
      z.backward(), GradError,
      "backward of mul: a tensor of shape [2] that was saved for it has been changed in place by me (version 2, "
      "saved at 1); change a clone() instead");
}

TEST_CASE("versions: tensors in a list, a struct or an option that a closure holds are noted, however many") {
  struct Saved {
    std::vector<Tensor<double>> list;
    Tensor<bool> mask;
  };
  const auto run = [](int changed) {
    Saved saved;
    for (int i = 0; i < 9; ++i) saved.list.push_back(zeros<double>({i + 1}));
    saved.mask = zeros<bool>({20});
    auto x = leaf({1});
    const auto y = record("many", zeros<double>({1}), {x}, [saved](const Tensor<double>& dy, Grads& dx) {
      dx.add(0, dy * static_cast<double>(saved.mask.numel() + saved.list[8].numel()));
    });
    if (changed >= 0) saved.list[static_cast<std::size_t>(changed)] += 1;
    if (changed < -1) saved.mask.fill_(true);
    saved = {};
    y.backward();
    return x.grad().item();
  };
  CHECK(run(-1) == 29);
  for (int i = 0; i < 9; ++i)
    CHECK_ERROR(
        run(i), GradError,
        "backward of many: a tensor of shape [" + std::to_string(i + 1) +
            "] that was saved for it has been changed in place by add_ (version 2, saved at 1); change a clone() "
            "instead");
  CHECK_ERROR(run(-2), GradError,
              "backward of many: a tensor of shape [20] that was saved for it has been changed in place by fill_ "
              "(version 2, saved at 1); change a clone() instead");
}

TEST_CASE("versions: a closure that makes tensors while it is copied is no danger") {
  struct Cloner {
    Tensor<double> x;
    explicit Cloner(const Tensor<double>& t) : x(t) {}
    Cloner(const Cloner& other) : x(Tensor<double>(other.x).clone()) {}
  };
  auto x = leaf({3});
  Cloner c(x.detach());
  auto y = record("cloner", zeros<double>({1}), {x}, [c](const Tensor<double>& dy, Grads& dx) { dx.add(0, dy * c.x); });
  c.x += 1;
  y.backward();
  CHECK(x.grad().item() == 3);
}

TEST_CASE("versions: threads that write parts of one tensor leave it changed") {
  auto x = zeros<double>({4, 1000});
  const auto before = x.version();
  std::vector<std::thread> threads;
  for (Index i = 0; i < 4; ++i)
    threads.emplace_back([row = x[i], i] {
      for (int k = 0; k < 100; ++k) row += static_cast<double>(i);
    });
  for (auto& t : threads) t.join();
  CHECK(x.version() > before);
  CHECK(x.at({3, 999}) == 300);
}
