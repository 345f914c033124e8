// Softmax, log-softmax, layer normalisation and embedding; their values against PyTorch stand in test_golden_*.cpp.
#include <gloss/gloss.hpp>
#include <gloss/kernels/softmax_columns.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::values;
using V = std::vector<Tensor<double>>;

namespace {

Tensor<double> leaf(const Shape& shape, double scale = 1) { return (randn<double>(shape) * scale).requires_grad_(); }

/// The gradient of sum(y * weights) by x, recorded.
template <class F>
Tensor<double> recorded_gradient(F f, const Tensor<double>& x) {
  const GradGuard always(true);
  const Tensor<double> y = f(x);
  Tensor<double> weights = empty<double>(y.shape());
  for (Index i = 0; i < y.numel(); ++i) weights.data()[i] = std::sin(static_cast<double>(3 * i + 1));
  return grad(sum(y * weights), {x}, {.create_graph = true})[0];
}

}  // namespace

TEST_CASE("softmax: each row sums to one, whatever is added to it") {
  const auto x = randn<double>({3, 4, 70});
  for (int axis : {0, 1, 2, -1}) {
    const auto y = softmax(x * 20, axis);
    CHECK(difference(sum(y, axis), ones<double>(sum(y, axis).shape())) < 1e-14);
    CHECK(difference(softmax(x * 20 + 700, axis), y) < 1e-12);
    CHECK(difference(exp(log_softmax(x * 20, axis)), y) < 1e-14);
  }
}

TEST_CASE("softmax: gradients and second derivatives agree with difference quotients") {
  Rng rng(11);
  RngGuard use(rng);
  for (int axis : {-1, 0, 1}) {
    CHECK(gradcheck([&](const V& x) { return softmax(x[0], axis); }, {leaf({3, 5, 2}, 2)}));
    CHECK(gradcheck([&](const V& x) { return log_softmax(x[0], axis); }, {leaf({3, 5, 2}, 2)}));
  }
  CHECK(gradcheck([](const V& x) { return softmax(x[0].transpose(0, 1).slice(0, 0, 9, 2), -1); }, {leaf({19, 9})}));
  CHECK(gradcheck([](const V& x) { return log_softmax(x[0].expand({3, 20}), -1); }, {leaf({1, 20})}));
  CHECK(gradcheck([](const V& x) { return recorded_gradient([](const auto& t) { return softmax(t, 0); }, x[0]); },
                  {leaf({4, 3})}));
  CHECK(gradcheck([](const V& x) { return recorded_gradient([](const auto& t) { return log_softmax(t, -1); }, x[0]); },
                  {leaf({4, 3})}));
}

TEST_CASE("softmax: empty, one element, a scalar, a view and rows of infinities") {
  CHECK(softmax(zeros<float>({0, 3}), -1).shape() == Shape{0, 3});
  CHECK(softmax(zeros<float>({3, 0}), -1).shape() == Shape{3, 0});
  CHECK(log_softmax(zeros<float>({3, 0}), 0).shape() == Shape{3, 0});
  CHECK(softmax(Tensor<float>{5}, 0).item() == 1);
  CHECK(softmax(scalar<double>(-7), -1).item() == 1);
  CHECK(log_softmax(scalar<double>(-7), 0).item() == 0);
  const auto x = randn<float>({40, 33});
  CHECK(gloss_test::same_bits(softmax(x.transpose(0, 1), -1), softmax(x.transpose(0, 1).contiguous(), -1)));
  const float inf = INFINITY;
  CHECK(values(softmax(Tensor<float>{-inf, 0, -inf}, 0)) == std::vector<float>{0, 1, 0});
  CHECK(std::isnan(softmax(Tensor<float>{-inf, -inf}, 0).at({0})));
}

TEST_CASE("softmax, log_softmax: along an axis that others follow they are what they are along the last") {
  Rng rng(17);
  const RngGuard use(rng);
  const auto check = [](const Shape& shape, int axis, auto f) {
    INFO("axis " << axis << " of " << shape[0] << " " << shape[1] << " " << shape[2]);
    const auto x = leaf(shape, 5), dy = randn<double>(shape);
    const auto y = f(x, axis), want = f(x.transpose(axis, -1), -1).transpose(axis, -1);
    CHECK(difference(y.detach(), want.detach()) < 1e-13);
    CHECK(difference(grad(y, {x}, {}, dy)[0], grad(want, {x}, {}, dy)[0]) < 1e-12);
    const auto several = cast<float>(x.detach());
    const auto with_threads = [&](int n) {
      const gloss_test::Threads threads(n);
      return f(several, axis);
    };
    CHECK(gloss_test::same_bits(with_threads(1), with_threads(2)));
  };
  for (const Shape& shape : {Shape{3, 7, 2}, Shape{1, 150, 5}, Shape{4, 1, 9}, Shape{2, 300, 37}, Shape{3, 40, 700}})
    for (const int axis : {0, 1}) {
      check(shape, axis, [](const auto& x, int a) { return softmax(x, a); });
      check(shape, axis, [](const auto& x, int a) { return log_softmax(x, a); });
    }
  const float inf = INFINITY;
  const auto y = softmax(Tensor<float>{{-inf, -inf, 1, 2, 3}, {0, -inf, 1, 2, inf}}, 0);
  CHECK(values(y.slice(1, 2, 4)) == std::vector<float>{0.5, 0.5, 0.5, 0.5});
  CHECK(values(y.select(1, 0)) == std::vector<float>{0, 1});
  CHECK(std::isnan(y.at({0, 1})));
  CHECK(std::isnan(y.at({1, 4})));
  CHECK(softmax(zeros<float>({0, 3, 5}), 1).shape() == Shape{0, 3, 5});
  CHECK(softmax(zeros<float>({3, 4, 0}), 1).shape() == Shape{3, 4, 0});
}

TEST_CASE("softmax: a wrong axis is named") {
  CHECK_ERROR(softmax(zeros<float>({2, 3}), 2), IndexError, "softmax: axis 2 is out of range for 2 axes");
  CHECK_ERROR(log_softmax(zeros<float>({2}), -2), IndexError, "log_softmax: axis -2 is out of range for 1 axis");
}

TEST_CASE("layer_norm: rows have mean 0 and variance 1 before gamma and beta, in both kinds") {
  const auto x = randn<double>({5, 61}) * 7 + 30;
  const auto y = layer_norm(x, {}, {}, 0.0);
  CHECK(difference(mean(y, -1), zeros<double>({5})) < 1e-13);
  CHECK(difference(var(y, -1, {.correction = 0}), ones<double>({5})) < 1e-12);
  CHECK(difference(var(layer_norm(x, {}, {}, 0.0, LayerNormKind::annotated), -1), ones<double>({5})) < 1e-12);
}

TEST_CASE("layer_norm: the fused op equals its composed form") {
  const auto x = randn<double>({2, 3, 37}) * 3 - 1, gamma = randn<double>({37}), beta = randn<double>({37});
  const auto centred = x - mean(x, -1, {.keepdim = true});
  const auto torch = centred / sqrt(var(x, -1, {.correction = 0, .keepdim = true}) + 1e-5) * gamma + beta;
  const auto annotated = gamma * centred / (std_dev(x, -1, {.keepdim = true}) + 1e-6) + beta;
  CHECK(difference(layer_norm(x, gamma, beta, 1e-5), torch) < 1e-13);
  CHECK(difference(layer_norm(x, gamma, beta, 1e-6, LayerNormKind::annotated), annotated) < 1e-13);
}

TEST_CASE("layer_norm: gradients agree with difference quotients, in both kinds") {
  Rng rng(12);
  RngGuard use(rng);
  for (const LayerNormKind kind : {LayerNormKind::torch, LayerNormKind::annotated}) {
    const V inputs = {leaf({2, 3, 9}, 2), leaf({9}), leaf({9})};
    CHECK(gradcheck([&](const V& x) { return layer_norm(x[0], x[1], x[2], 1e-3, kind); }, inputs));
    CHECK(gradcheck([&](const V& x) { return layer_norm(x[0], {}, {}, 1e-3, kind); }, {leaf({3, 4})}));
    CHECK(gradcheck([&](const V& x) { return layer_norm(x[0], {}, x[1], 1e-3, kind); }, {leaf({3, 4}), leaf({4})}));
    CHECK(gradcheck([&](const V& x) { return layer_norm(x[0].transpose(0, 1), x[1].expand({5}), {}, 1e-3, kind); },
                    {leaf({5, 3}), leaf({1})}));
  }
}

TEST_CASE("layer_norm: empty rows, no rows and constant rows") {
  CHECK(layer_norm(zeros<float>({0, 4})).shape() == Shape{0, 4});
  CHECK(layer_norm(zeros<float>({4, 0})).shape() == Shape{4, 0});
  CHECK(values(layer_norm(full<float>({1, 3}, 8), Tensor<float>{1, 2, 3}, Tensor<float>{4, 5, 6})) ==
        std::vector<float>{4, 5, 6});
  CHECK(values(layer_norm(full<double>({1, 3}, 8), {}, {}, 1e-6, LayerNormKind::annotated)) ==
        std::vector<double>{0, 0, 0});
  CHECK(layer_norm(Tensor<float>{7}).item() == 0);
}

TEMPLATE_TEST_CASE("layer_norm, rms_norm: rows whose squares or sums overflow are normalised all the same", "", float,
                   double) {
  using T = TestType;
  const T most = std::numeric_limits<T>::max();
  const Tensor<T> base = randn<T>({3, 70}) + T(0.5), dy = randn<T>({3, 70}), gamma = randn<T>({70}).requires_grad_();
  for (const T unit : {std::sqrt(most) * 4, most / 65536}) {
    const T size = unit / amax(abs(base)).item();
    const auto check = [&](auto f) {
      const auto run = [&](const Tensor<T>& rows) {
        const Tensor<T> x = rows.clone().requires_grad_(), y = f(x);
        const auto d = grad(y, {x, gamma}, {}, dy);
        return std::vector<Tensor<T>>{y.detach(), d[0], d[1]};
      };
      const auto large = run(base * size), plain = run(base);
      CHECK(difference(large[0], plain[0]) < 1e-5);
      CHECK(difference(large[1] * size, plain[1]) < 2e-5);
      CHECK(difference(large[2], plain[2]) < 1e-5);
    };
    check([&](const Tensor<T>& x) { return layer_norm(x, gamma, {}, 1e-12); });
    check([&](const Tensor<T>& x) { return layer_norm(x, gamma, {}, 1e-12, LayerNormKind::annotated); });
    check([&](const Tensor<T>& x) { return rms_norm(x, gamma, 1e-12); });
  }
  const Tensor<T> beta = randn<T>({70});  // the sum overflows, the deviations are 0
  CHECK(difference(layer_norm(full<T>({1, 70}, most / 2), {}, beta)[0], beta) == 0);
  // what is not finite does not become a number
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const T bad : {infinity, -infinity, nan})
    for (const T x : gloss_test::values(layer_norm(Tensor<T>{{1, bad, most, 2}}))) CHECK(std::isnan(x));
}

TEST_CASE("layer_norm: wrong shapes are named, and so is a second derivative") {
  CHECK_ERROR(layer_norm(scalar<float>(1)), ShapeError, "layer_norm: a scalar has no axis to normalise");
  CHECK_ERROR(layer_norm(zeros<float>({2, 3}), zeros<float>({2})), ShapeError,
              "layer_norm: gamma [2] does not match the last axis of x [2, 3]");
  CHECK_ERROR(layer_norm(zeros<float>({2, 3}), {}, zeros<float>({1, 3})), ShapeError,
              "layer_norm: beta [1, 3] does not match the last axis of x [2, 3]");
  const auto x = leaf({2, 3});
  CHECK_ERROR(recorded_gradient([](const auto& t) { return layer_norm(t); }, x), GradError,
              "layer_norm: a fused op has no second derivative");
}

TEST_CASE("embedding: rows of the table, scaled, for ids of any shape") {
  const Tensor<double> weight = {{1, 2}, {3, 4}, {5, 6}};
  const Tensor<std::int64_t> ids = {{2, 0}, {2, 1}};
  CHECK(values(embedding(ids, weight, 2)) == std::vector<double>{10, 12, 2, 4, 10, 12, 6, 8});
  CHECK(embedding(ids, weight).shape() == Shape{2, 2, 2});
  CHECK(values(embedding(ids.transpose(0, 1), weight)) == std::vector<double>{5, 6, 5, 6, 1, 2, 3, 4});
  CHECK(values(embedding(ids.select(0, 0), weight.transpose(0, 1).slice(1, 0, 3).transpose(0, 1))) ==
        std::vector<double>{5, 6, 1, 2});
  CHECK(values(embedding(scalar<std::int64_t>(1), weight)) == std::vector<double>{3, 4});
  CHECK(embedding(zeros<std::int64_t>({0, 4}), weight).shape() == Shape{0, 4, 2});
  CHECK(embedding(zeros<std::int64_t>({3}), zeros<float>({1, 0})).shape() == Shape{3, 0});
}

TEST_CASE("embedding: gradients of repeated ids add up, and agree with difference quotients") {
  const Tensor<std::int64_t> ids = {{2, 0, 2}, {2, 2, 3}};
  CHECK(gradcheck([&](const V& x) { return embedding(ids, x[0], 1.5); }, {leaf({5, 3})}));
  CHECK(gradcheck([&](const V& x) { return embedding(ids, x[0].transpose(0, 1)); }, {leaf({3, 5})}));
  const auto weight = leaf({5, 2});
  sum(embedding(ids, weight)).backward();
  CHECK(values(weight.grad()) == std::vector<double>{1, 1, 0, 0, 4, 4, 1, 1, 0, 0});
}

TEST_CASE("embedding: wrong ids and tables are named") {
  const auto weight = zeros<float>({3, 2});
  CHECK_ERROR(embedding(Tensor<std::int64_t>{0, 3}, weight), IndexError,
              "embedding: id 3 is out of range for weight [3, 2]");
  CHECK_ERROR(embedding(Tensor<std::int64_t>{-1}, weight), IndexError,
              "embedding: id -1 is out of range for weight [3, 2]");
  CHECK_ERROR(embedding(Tensor<std::int64_t>{0}, zeros<float>({3})), ShapeError,
              "embedding: weight has shape [3], a matrix is wanted");
}

TEST_CASE("log_softmax: the gradient over a column of a million floats keeps its digits") {
  const Index n = 1 << 20;
  const auto x = zeros<float>({n, 8}).requires_grad_();
  log_softmax(x, 0).backward(full<float>({n, 8}, 0.1f));
  CHECK(amax(abs(x.grad())).item() < 1e-6f);  // dy - n dy / n
}
