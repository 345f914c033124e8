// Cross-entropy, negative log-likelihood and KL divergence; gelu, erf and clamp. Values against PyTorch:
// test_golden_fused.cpp
#include <cmath>

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/gelu.hpp>
#include <gloss/ops/kl_div.hpp>
#include <gloss/ops/nll_loss.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::values;
using V = std::vector<Tensor<double>>;
using Ids = Tensor<std::int64_t>;

namespace {

Tensor<double> leaf(const Shape& shape, double scale = 1) { return (randn<double>(shape) * scale).requires_grad_(); }

template <class F>
Tensor<double> recorded_gradient(F f, const Tensor<double>& x) {
  const GradGuard always(true);
  const Tensor<double> y = f(x);
  return grad(sum(y), {x}, {.create_graph = true})[0];
}

}  // namespace

TEST_CASE("cross_entropy: is nll_loss of log_softmax") {
  const auto x = randn<double>({3, 4, 11}) * 3;
  const auto target = randint(0, 11, {3, 4});
  target.at({1, 2}) = 5;
  for (const auto reduction : {LossReduction::none, LossReduction::mean, LossReduction::sum}) {
    const auto composed = nll_loss(log_softmax(x, -1), target, {.ignore_index = 5, .reduction = reduction});
    CHECK(difference(cross_entropy(x, target, {.ignore_index = 5, .reduction = reduction}), composed) < 1e-13);
  }
}

TEST_CASE("losses: gradients agree with difference quotients") {
  Rng rng(31);
  RngGuard use(rng);
  const Ids target = {2, 0, 4, 2};
  for (const auto reduction : {LossReduction::none, LossReduction::mean, LossReduction::sum})
    for (const double smoothing : {0.0, 0.2}) {
      const CrossEntropyOptions options{.label_smoothing = smoothing, .ignore_index = 4, .reduction = reduction};
      CHECK(gradcheck([&](const V& x) { return cross_entropy(x[0], target, options); }, {leaf({4, 5})}));
      CHECK(
          gradcheck([&](const V& x) { return cross_entropy(x[0].transpose(0, 1), target, options); }, {leaf({5, 4})}));
      CHECK(gradcheck([&](const V& x) { return nll_loss(x[0], target, {.ignore_index = 4, .reduction = reduction}); },
                      {leaf({4, 5})}));
      const auto wanted = softmax(randn<double>({4, 5}), -1);
      CHECK(gradcheck([&](const V& x) { return kl_div(x[0], wanted, reduction); }, {leaf({4, 5})}));
      CHECK(gradcheck([&](const V& x) { return kl_div(x[0], wanted, reduction); }, {leaf({1, 5})}));
    }
}

TEST_CASE("losses: no rows, only ignored rows, one class") {
  CHECK(cross_entropy(zeros<float>({0, 3}), Ids::uninitialized({0}), {.reduction = LossReduction::sum}).item() == 0);
  CHECK(std::isnan(cross_entropy(zeros<float>({0, 3}), Ids::uninitialized({0})).item()));
  CHECK(std::isnan(cross_entropy(zeros<float>({2, 3}), Ids{-100, -100}).item()));
  CHECK(std::isnan(nll_loss(zeros<float>({2, 3}), Ids{-100, -100}).item()));
  CHECK(nll_loss(zeros<float>({2, 3}), Ids{-100, -100}, {.reduction = LossReduction::sum}).item() == 0);
  CHECK(cross_entropy(zeros<float>({2, 1}), Ids{0, 0}).item() == 0);
  CHECK(cross_entropy(Tensor<double>{0, 0}, scalar<std::int64_t>(1)).item() == Approx(std::log(2.0)));
  CHECK(kl_div(zeros<float>({0}), zeros<float>({0}), LossReduction::sum).item() == 0);
  const auto wanted = zeros<double>({3});
  CHECK(values(kl_div(Tensor<double>{-1, -2, -3}, wanted, LossReduction::none)) == std::vector<double>{0, 0, 0});
}

TEST_CASE("losses: wrong shapes and classes are named") {
  const auto x = zeros<float>({2, 3});
  CHECK_ERROR(cross_entropy(x, Ids{0}), ShapeError,
              "cross_entropy: target [1] does not match x [2, 3] without its last axis");
  CHECK_ERROR(cross_entropy(x, Ids{0, 3}), IndexError, "cross_entropy: target 3 is out of range for x [2, 3]");
  CHECK_ERROR(cross_entropy(x, Ids{0, 1}, {.label_smoothing = 1.5}), Error,
              "cross_entropy: label_smoothing 1.5 is not in [0, 1]");
  CHECK_ERROR(cross_entropy(scalar<float>(0), Ids{0}), ShapeError, "cross_entropy: a scalar has no axis of classes");
  CHECK_ERROR(nll_loss(x, Ids{0, -1}), IndexError, "nll_loss: target -1 is out of range for x [2, 3]");
  CHECK_ERROR(nll_loss(x, Ids{0, 1, 2}), ShapeError,
              "nll_loss: target [3] does not match x [2, 3] without its last axis");
  CHECK_ERROR(kl_div(x, zeros<float>({2})), ShapeError,
              "kl_div: shapes do not broadcast: a [2, 3], b [2] differ at axis -1");
  const auto logits = leaf({2, 3});
  CHECK_ERROR(recorded_gradient(
                  [](const auto& t) {
                    return cross_entropy(t, Ids{0, 1});
                  },
                  logits),
              GradError, "cross_entropy: a fused op has no second derivative");
}

TEST_CASE("gelu, erf, clamp: gradients and second derivatives agree with difference quotients") {
  Rng rng(32);
  RngGuard use(rng);
  CHECK(gradcheck([](const V& x) { return erf(x[0]); }, {leaf({3, 5})}));
  CHECK(gradcheck([](const V& x) { return recorded_gradient([](const auto& t) { return erf(t); }, x[0]); },
                  {leaf({3, 5})}));
  CHECK(gradcheck([](const V& x) { return clamp(x[0], -0.5, 1); }, {leaf({3, 5})}));
  for (const auto kind : {GeluKind::exact, GeluKind::tanh}) {
    CHECK(gradcheck([&](const V& x) { return gelu(x[0].transpose(0, 1), kind); }, {leaf({3, 5}, 2)}));
    CHECK(gradcheck([&](const V& x) { return recorded_gradient([&](const auto& t) { return gelu(t, kind); }, x[0]); },
                    {leaf({3, 5}, 2)}));
  }
}

TEST_CASE("gelu, erf, clamp: known values, edges and errors") {
  CHECK(erf(scalar<double>(0.5)).item() == Approx(0.5204998778130465).epsilon(1e-15));
  CHECK(gelu(zeros<float>({0, 2})).shape() == Shape{0, 2});
  const auto x = randn<double>({500}) * 2;
  CHECK(difference(gelu(x, GeluKind::tanh), gelu(x)) < 5e-4);
  CHECK(values(clamp(Tensor<float>{-3, -1, 0.5f, 2, 9}, -1, 2)) == std::vector<float>{-1, -1, 0.5f, 2, 2});
  CHECK(std::isnan(clamp(Tensor<float>{NAN}, 0, 1).item()));
  const auto edge = (Tensor<double>{-1, 0, 1, 2}).requires_grad_();
  sum(clamp(edge, 0, 1)).backward();
  CHECK(values(edge.grad()) == std::vector<double>{0, 1, 1, 0});
}

TEST_CASE("kl_div: a target below 0 is NaN, as its logarithm is") {
  const auto loss = kl_div(Tensor<float>{1, 1, 1}, Tensor<float>{-1, 0, 1}, LossReduction::none);
  CHECK(std::isnan(loss.at({0})));
  CHECK(loss.at({1}) == 0);
  CHECK(loss.at({2}) == -1);
}

TEST_CASE("cross_entropy: the gradient keeps its digits under large logits") {
  const Tensor<float> small = {{0, 1, -1, 2}, {3, 0, 1, 1}};
  const Tensor<std::int64_t> target = {1, 3};
  for (const float offset : {1e3f, 1e5f, -1e6f}) {
    const auto x = small.clone().requires_grad_(), far_off = (small + offset).requires_grad_();
    cross_entropy(x, target, {.label_smoothing = 0.1}).backward();
    cross_entropy(far_off, target, {.label_smoothing = 0.1}).backward();
    CHECK(gloss_test::difference(far_off.grad(), x.grad()) < 1e-7);
  }
}
