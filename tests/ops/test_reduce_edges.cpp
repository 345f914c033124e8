// Reductions and running sums: gradients by difference quotients, second derivatives, errors, edges, threads.
#include <cmath>
#include <gloss/gloss.hpp>
#include <gloss/ops/nonzero.hpp>
#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;
using gloss_test::difference;
using gloss_test::values;

namespace {

struct Function {
  const char* name;
  Tensor<double> (*f)(const Tensor<double>&);
};
using X = Tensor<double>;
const Function functions[] = {
    {"amax",
     [](const X& x) {
       return amax(x, {0, 2}, {.keepdim = true}) * amin(x, 1, {.keepdim = true});
     }},
    {"max, min", [](const X& x) { return max(x) * min(x, 1).values; }},
    {"prod",
     [](const X& x) {
       return prod(x, {0, 2}, {.keepdim = true});
     }},
    {"var",
     [](const X& x) {
       return var(x, {0, -1});
     }},
    {"var_mean", [](const X& x) { return var_mean(x, 1).mean * var_mean(x, 1, {.correction = 0}).var; }},
    {"std_dev", [](const X& x) { return std_dev(x, 1, {.keepdim = true}); }},
    {"norm 1", [](const X& x) { return norm(x, 1, 1) * norm(x); }},
    {"norm 2",
     [](const X& x) {
       return norm(x, 2, {0, 2});
     }},
    {"norm 2.5", [](const X& x) { return norm(x, 2.5, 1, {.keepdim = true}); }},
    {"norm 0.5", [](const X& x) { return norm(x, 0.5, -1); }},
    {"norm inf", [](const X& x) { return norm(x, INFINITY, 1) * norm(x, -INFINITY, 1); }},
    {"logsumexp",
     [](const X& x) {
       return logsumexp(x, {0, 1});
     }},
    {"cumsum", [](const X& x) { return cumsum(x, 1) * x; }},
    {"cumprod", [](const X& x) { return cumprod(x, 2); }},
    {"cummax", [](const X& x) { return cummax(x, 0).values * cummin(x, 1).values; }},
    {"median", [](const X& x) { return median(x, 1).values * median(x); }},
};

}  // namespace

TEST_CASE("reductions: first and second derivatives agree with difference quotients, also through a view") {
  Rng rng(21);
  RngGuard use(rng);
  for (const Function& c : functions) {
    INFO(c.name);
    const auto x = (randn<double>({2, 3, 2}) + 0.1).requires_grad_();
    CHECK(gradcheck([&](const V& in) { return c.f(in[0].transpose(0, 2)); }, {x}));
    CHECK(gradcheck(
        [&](const V& in) {
          const GradGuard on(true);  // for the difference quotients, too
          const auto y = c.f(in[0]);
          return grad(sum(y * y), {in[0]}, {.create_graph = true})[0];
        },
        {x}));
  }
}

TEST_CASE("prod: first and second derivatives are right at zeros") {
  for (const auto& values : {X{{2, 0, 3}, {0, 0, 4}}, X{{0, 0, 0}, {1, 2, 0}}}) {
    const auto x = values.clone().requires_grad_();
    CHECK(gradcheck([](const V& in) { return prod(in[0], 1); }, {x}));
    CHECK(gradcheck([](const V& in) { return cumprod(in[0], 1); }, {x}));
    CHECK(gradcheck(
        [](const V& in) {
          const GradGuard on(true);
          return grad(sum(prod(in[0], 1)), {in[0]}, {.create_graph = true})[0];
        },
        {x}));
  }
  const auto x = X{1, 0}.requires_grad_();
  CHECK_ERROR(grad(sum(cumprod(x, 0)), {x}, {.create_graph = true}), GradError,
              "cumprod: no second derivative where x has a zero");
}

TEST_CASE("reductions: what is reduced over nothing is the identity, NaN or an error, as in PyTorch") {
  const auto none = zeros<double>({0}), rows = zeros<double>({2, 0}), columns = zeros<double>({0, 3});
  CHECK(prod(none).item() == 1);
  CHECK(values(prod(rows, 1)) == std::vector<double>{1, 1});
  CHECK(all(none).item());
  CHECK_FALSE(any(none).item());
  CHECK(count_nonzero(rows, 1).shape() == Shape{2});
  CHECK(logsumexp(rows, 1).at({1}) == -INFINITY);
  CHECK(norm(none).item() == 0);
  CHECK(norm(none, 0).item() == 0);
  CHECK(norm(none, 3).item() == 0);
  CHECK(std::isnan(var(none).item()));
  CHECK(std::isnan(median(none).item()));
  CHECK(cumsum(rows, 1).shape() == Shape{2, 0});
  CHECK(cumprod(columns, 1).shape() == Shape{0, 3});
  CHECK(cummax(rows, 1).indices.shape() == Shape{2, 0});
  CHECK(amax(columns, 1).shape() == Shape{0});
  CHECK_ERROR(amax(rows, 1), ShapeError, "amax: no elements to reduce in shape [2, 0]");
  CHECK_ERROR(amin(none), ShapeError, "amin: no elements to reduce in shape [0]");
  CHECK_ERROR(max(none), ShapeError, "max: no elements to reduce in shape [0]");
  CHECK_ERROR(min(none), ShapeError, "min: no elements to reduce in shape [0]");
  CHECK_ERROR(max(rows, -1), ShapeError, "max: axis 1 of shape [2, 0] is empty");
  CHECK_ERROR(min(rows, 1), ShapeError, "min: axis 1 of shape [2, 0] is empty");
  CHECK_ERROR(argmax(none), ShapeError, "argmax: axis 0 of shape [0] is empty");
  CHECK_ERROR(argmin(rows, 1), ShapeError, "argmin: axis 1 of shape [2, 0] is empty");
  CHECK_ERROR(median(rows, 1), ShapeError, "median: axis 1 of shape [2, 0] is empty");
  CHECK_ERROR(norm(none, INFINITY), ShapeError, "norm: no elements to reduce in shape [0]");
}

TEMPLATE_TEST_CASE("norm, std_dev and what is made of them: squares may overflow", "", float, double) {
  using T = TestType;
  const T size = std::sqrt(std::numeric_limits<T>::max()) * 4;
  const Tensor<T> base = Tensor<T>{{3, 4, 0, -12}, {1, 2, 3, -1}}, x = (base * size).requires_grad_();
  const Tensor<T> other{{1, 2, -1, 3}, {2, 0, 1, 1}};
  const auto check = [&](auto f, T power) {  // f(size x) is f(x) times size^power
    const Tensor<T> plain = base.clone().requires_grad_(), y = f(x), want = f(plain), dy = randn<T>(y.shape());
    CHECK(difference(y.detach() / std::pow(size, power), want.detach()) < 1e-6);
    CHECK(difference(grad(y, {x}, {}, dy)[0] / std::pow(size, power - 1), grad(want, {plain}, {}, dy)[0]) < 2e-6);
  };
  check([](const Tensor<T>& v) { return norm(v, 2, 1); }, 1);
  check([](const Tensor<T>& v) { return norm(v, 2, 0, {.keepdim = true}); }, 1);
  check([](const Tensor<T>& v) { return norm(v); }, 1);
  check([](const Tensor<T>& v) { return std_dev(v, 1); }, 1);
  check([](const Tensor<T>& v) { return std_dev(v, 0, {.correction = 0, .keepdim = true}); }, 1);
  check([](const Tensor<T>& v) { return normalize(v); }, 0);
  check([&](const Tensor<T>& v) { return cosine_similarity(v, other); }, 0);
  check([](const Tensor<T>& v) { return cdist(v, flip(v.detach(), {0})); }, 1);
  const T infinity = std::numeric_limits<T>::infinity();
  const Tensor<T> infinite = Tensor<T>{{1, infinity}, {infinity, std::numeric_limits<T>::quiet_NaN()}, {size, 0}};
  CHECK(difference(norm(infinite, 2, 1), Tensor<T>{infinity, infinite.at({1, 1}), size}) == 0);
}

TEMPLATE_TEST_CASE("normalize, cosine_similarity: of one number the gradient is exactly 0", "", float, double) {
  using T = TestType;
  const Tensor<T> x = randn<T>({1000, 1}).requires_grad_(), other = randn<T>({1000, 1});
  CHECK(difference(abs(normalize(x)).detach(), ones<T>({1000, 1})) == 0);
  CHECK(difference(grad(normalize(x), {x}, {}, randn<T>({1000, 1}))[0], zeros<T>({1000, 1})) == 0);
  CHECK(difference(grad(cosine_similarity(x, other), {x}, {}, randn<T>({1000}))[0], zeros<T>({1000, 1})) == 0);
}

TEST_CASE("cdist: a distance of NaN makes the gradients of all that it is made of NaN") {
  for (const double p : {2.0, 3.0}) {
    const Tensor<float> a = Tensor<float>{{NAN, 1, 2}}.requires_grad_();
    for (const float x : values(grad(sum(cdist(a, Tensor<float>{{0, 1, 5}}, p)), {a})[0])) CHECK(std::isnan(x));
  }
}

TEST_CASE("reductions: wrong axes are named with the function") {
  const auto x = zeros<double>({2, 3});
  auto text = [](const char* op) { return std::string(op) + ": axis 2 is out of range for 2 axes"; };
  CHECK_ERROR(prod(x, 2), IndexError, text("prod"));
  CHECK_ERROR(amax(x, 2), IndexError, text("amax"));
  CHECK_ERROR(amin(x, 2), IndexError, text("amin"));
  CHECK_ERROR(max(x, 2), IndexError, text("max"));
  CHECK_ERROR(min(x, 2), IndexError, text("min"));
  CHECK_ERROR(argmax(x, 2), IndexError, text("argmax"));
  CHECK_ERROR(argmin(x, 2), IndexError, text("argmin"));
  CHECK_ERROR(any(x, 2), IndexError, text("any"));
  CHECK_ERROR(all(x, 2), IndexError, text("all"));
  CHECK_ERROR(count_nonzero(x, 2), IndexError, text("count_nonzero"));
  CHECK_ERROR(var(x, 2), IndexError, text("var"));
  CHECK_ERROR(norm(x, 2, 2), IndexError, text("norm"));
  CHECK_ERROR(logsumexp(x, 2), IndexError, text("logsumexp"));
  CHECK_ERROR(cumsum(x, 2), IndexError, text("cumsum"));
  CHECK_ERROR(cumprod(x, 2), IndexError, text("cumprod"));
  CHECK_ERROR(cummax(x, 2), IndexError, text("cummax"));
  CHECK_ERROR(cummin(x, 2), IndexError, text("cummin"));
  CHECK_ERROR(median(x, 2), IndexError, text("median"));
  CHECK_ERROR(amax(x, {1, -1}), IndexError, "amax: axis 1 appears twice");
}

TEST_CASE("reductions: a scalar is its own sum, product, extreme and median, along axis 0 or -1 too") {
  const auto x = scalar<double>(-2.5).requires_grad_();
  for (Index axis : {0, -1}) {
    CHECK(sum(x, axis).item() == -2.5);
    CHECK(prod(x, axis).item() == -2.5);
    CHECK(amax(x, axis).item() == -2.5);
    CHECK(max(x, axis).indices.item() == 0);
    CHECK(cumsum(x, axis).item() == -2.5);
    CHECK(cumprod(x, axis).item() == -2.5);
    CHECK(cummin(x, axis).indices.item() == 0);
    CHECK(median(x, axis).values.item() == -2.5);
    CHECK(norm(x, 2, axis).item() == 2.5);
    CHECK(logsumexp(x, axis).item() == -2.5);
    CHECK(any(x, axis).item());
  }
  (prod(x) + cumprod(x, 0) + amax(x) + median(x) + norm(x) + logsumexp(x)).backward();
  CHECK(x.grad().item() == 4.0);
}

TEST_CASE("reductions: large ones agree with plain loops and do not depend on the number of threads") {
  Rng rng(22);
  RngGuard use(rng);
  const auto x = randn<float>({70, 3001});
  auto all_of_them = [&] {
    return std::vector<Tensor<float>>{amax(x),       amin(x, 0),          amax(x, 1),          norm(x),
                                      norm(x, 3, 0), logsumexp(x),        cumsum(x, 0),        cumsum(x, 1),
                                      cumprod(x, 1), cummax(x, 0).values, median(x, 1).values, prod(x, 0),
                                      std_dev(x, 0)};
  };
  const auto first = all_of_them();
  float largest = -INFINITY;
  double total = 0;
  for (Index i = 0; i < x.numel(); ++i) {
    largest = std::max(largest, x.data()[i]);
    total += static_cast<double>(x.data()[i]) * static_cast<double>(x.data()[i]);
  }
  CHECK(first[0].item() == largest);
  CHECK(first[3].item() == Approx(std::sqrt(total)).epsilon(1e-6));
  const auto bits = cast<std::int64_t>(x > 0);
  CHECK(sum(x > 0).item() == sum(bits).item());
  CHECK(values(sum(x > 0, 0)) == values(sum(bits, 0)));
  CHECK(values(any(x > 3, 0)) == values(amax(x, 0) > 3));
  CHECK(all(x > -10).item());
  CHECK(values(argmax(x, 0)) == values(max(x, 0).indices));
  CHECK(x.reshape({-1})[argmax(x).item()].item() == largest);
  for (int threads : {1, 2, 5}) {
    const gloss_test::Threads limit(threads);
    const auto again = all_of_them();
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(gloss_test::same_bits(first[i], again[i]));
  }
}

TEST_CASE("sum and its kin: whole numbers and booleans are added in int64") {
  CHECK(sum(full<std::uint8_t>({1000}, 255)).item() == 255'000);
  CHECK(sum(full<std::int32_t>({3}, INT32_MAX)).item() == 3 * std::int64_t{INT32_MAX});
  CHECK(sum(ones<bool>({300, 7}), 0).at({6}) == 300);
  CHECK(cumsum(ones<bool>({300}), 0).at({299}) == 300);
  CHECK(prod(full<std::uint8_t>({2}, 200)).item() == 40'000);
  CHECK(amax(Tensor<std::uint8_t>{3, 250, 7}).item() == 250);
  CHECK(count_nonzero(Tensor<float>{0, -0.0f, NAN, 2}).item() == 2);
  CHECK(sum(full<std::int64_t>({2}, INT64_MAX)).item() == -2);
}

TEST_CASE("running sums and products: a million floats keep their digits, there and back") {
  const Index n = 1'000'000;
  const auto tenth = full<float>({n}, 0.1f);
  CHECK(cumsum(tenth, 0).at({n - 1}) == 100'000.0f);
  CHECK(cumsum(tenth.view({n, 1}).expand({n, 2}), 0).at({n - 1, 1}) == 100'000.0f);
  CHECK(cumsum(full<float>({n}, -0.1f), 0).at({n - 1}) == -100'000.0f);

  const auto x = full<float>({n}, 1 + 0x1p-20f).requires_grad_();
  const auto y = cumprod(x, 0);
  const double end = std::pow(1 + 0x1p-20, static_cast<double>(n));
  CHECK(static_cast<double>(y.at({n - 1})) == Approx(end).epsilon(1e-6));
  y.backward(ones<float>({n}));
  CHECK(static_cast<double>(x.grad().at({0})) == Approx((end - 1) / 0x1p-20).epsilon(1e-6));
  const auto with_zero = cat<float>({x.detach(), zeros<float>({1}), x.detach()}).requires_grad_();
  cumprod(with_zero, 0).backward(ones<float>({2 * n + 1}));
  CHECK(static_cast<double>(with_zero.grad().at({n})) == Approx(end * (end - 1) / 0x1p-20 + end).epsilon(1e-5));

  const auto z = zeros<float>({n}).requires_grad_();
  cumsum(z, 0).backward(tenth);
  CHECK(z.grad().at({0}) == 100'000.0f);
}

TEST_CASE("var, std_dev: of floats far from 0, small and large, as in double") {
  Rng rng(31);
  RngGuard use(rng);
  const auto noise = randn<double>({64, 50});
  for (const double scale : {1e-30, 1e-3, 1.0, 1e30})
    for (const double offset : {0.0, 10.0, 1e4}) {
      INFO(scale << " " << offset);
      const auto x = cast<float>((noise + offset) * scale).requires_grad_();
      const auto wide = cast<double>(x.detach()).requires_grad_();
      for (const Axes& axes : {Axes(), Axes(0), Axes(1)}) {
        const auto y = std_dev(x, axes), expected = cast<float>(std_dev(wide, axes));
        CHECK(gloss_test::relative_to_largest(y, expected) < 1e-6);
        if (scale > 1e-9 && scale < 1e9) CHECK(gloss_test::relative_to_largest(var(x, axes), var(wide, axes)) < 1e-6);
        x.zero_grad();
        wide.zero_grad();
        sum(std_dev(x, axes)).backward();
        sum(std_dev(wide, axes)).backward();
        CHECK(gloss_test::relative_to_largest(x.grad(), wide.grad()) < 1e-6);
      }
    }
  CHECK(var_mean(cast<float>(noise + 100), 0).mean.shape() == Shape{50});
}

TEST_CASE("norm: nothing has no norm with a negative p") {
  CHECK_ERROR(norm(empty<float>({0}), -1), ShapeError, "norm: no elements to reduce in shape [0]");
  CHECK(norm(empty<float>({0}), 3).item() == 0);
}
