// Cross-entropy, negative log-likelihood and KL divergence; gelu, erf and clamp. Values against PyTorch:
// test_golden_fused.cpp
#include <cmath>

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/gelu.hpp>
#include <gloss/ops/kl_div.hpp>
#include <gloss/ops/nll_loss.hpp>
#include <gloss/ops/reduce_loss.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/ops/trig.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
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
    const auto composed =
        nll_loss(log_softmax(x, -1), target, {.ignore_index = 5, .reduction = reduction, .class_axis = -1});
    const auto fused = cross_entropy(x, target, {.ignore_index = 5, .reduction = reduction, .class_axis = -1});
    CHECK(difference(fused, composed) < 1e-13);
    const auto turned = x.transpose(1, 2);
    CHECK(same_bits(cross_entropy(turned, target, {.ignore_index = 5, .reduction = reduction}), fused));
    CHECK(same_bits(cross_entropy(turned.contiguous(), target, {.ignore_index = 5, .reduction = reduction}), fused));
  }
}

TEST_CASE("cross_entropy, nll_loss: the classes are axis 1, as PyTorch has it, or the one that is named") {
  const auto wave = [](const Shape& shape) {
    return sin(arange<double>(static_cast<double>(shape.numel())) * 0.7).view(shape);
  };
  const auto x = wave({2, 3, 3}).requires_grad_();  // which with other classes would fit as well
  const Ids target = {{2, 0, 1}, {1, 1, 2}};
  CHECK(cross_entropy(x, target).item() == Approx(1.33677331335484961).epsilon(1e-14));
  CHECK(cross_entropy(x, target, {.class_axis = -2}).item() == cross_entropy(x, target).item());
  CHECK(cross_entropy(x, target, {.class_axis = -1}).item() == Approx(0.96235159230159606).epsilon(1e-14));
  CHECK(nll_loss(x, target).item() == Approx(0.00376352577748629).epsilon(1e-13));
  CHECK(nll_loss(x, target, {.class_axis = -1}).item() == Approx(-0.20402572214068468).epsilon(1e-14));
  const auto losses =
      cross_entropy(x, target, {.label_smoothing = 0.1, .ignore_index = 0, .reduction = LossReduction::none});
  CHECK(difference(losses.detach(), Tensor<double>{{2.11681214555720487, 0, 1.68042490009304668},
                                                   {0.56146847940165334, 1.01595700863393357, 1.92189539537428900}}) <
        1e-14);
  const Tensor<double> weights{{1, 2, 3}, {4, 5, 6}};
  const auto dx = grad(sum(losses * weights), {x})[0];
  CHECK(dx.is_contiguous());
  CHECK(difference(dx, Tensor<double>{{{0.23058513114999801, 0, 1.95284922630462421},
                                       {0.59235324706845116, 0, -2.26044160606672095},
                                       {-0.82293837821844917, 0, 0.30759237976209719}},
                                      {{0.94215719540092246, 2.45387769723796989, 3.91334805575585731},
                                       {-1.24761453917089860, -2.79749788118543874, 0.86140122534162744},
                                       {0.30545734376997624, 0.34362018394746979, -4.77474928109748475}}}) < 1e-14);
  const auto image = wave({2, 3, 2, 2});
  const Ids pixels = {{{2, 0}, {1, 1}}, {{1, 2}, {0, 0}}};
  CHECK(cross_entropy(image, pixels).item() == Approx(1.78335671921561345).epsilon(1e-14));
  CHECK(difference(
            nll_loss(image, pixels, {.reduction = LossReduction::none}),
            Tensor<double>{{{0.63126663787232162, -0.64421768723769102}, {0.87157577241358775, 0.98245261262433259}},
                           {{0.97917772915131740, -0.84574683114293425}, {0.36647912925192677, 0.87969575997167004}}}) <
        1e-14);
  for (const Index axis : {0, 1, 2, 3}) {
    const CrossEntropyOptions options{.label_smoothing = 0.2, .class_axis = axis};
    Shape rows = {2, 3, 4, 5};
    rows[static_cast<int>(axis)] = 1;
    const auto ids = randint(0, 2, rows).squeeze(axis);
    CHECK(gradcheck([&](const V& in) { return cross_entropy(in[0], ids, options); }, {leaf({2, 3, 4, 5})}));
    CHECK(gradcheck([&](const V& in) { return nll_loss(in[0], ids, {.class_axis = axis}); }, {leaf({2, 3, 4, 5})}));
  }
  // one row, whose only axis the classes are
  for (const Index axis : {1, 0, -1}) {
    const Tensor<double> row{0, 0};
    CHECK(cross_entropy(row, scalar<std::int64_t>(1), {.class_axis = axis}).item() == Approx(std::log(2.0)));
    CHECK(nll_loss(row - 1, scalar<std::int64_t>(1), {.class_axis = axis}).item() == 1);
  }
}

TEST_CASE("cross_entropy: classes that are last are read as they lie") {
  const auto x = randn<float>({8, 64, 128});
  const auto target = randint(0, 128, {8, 64});
  reset_peak_memory();
  const auto before = memory_stats().in_use;
  cross_entropy(x, target, {.class_axis = -1});
  CHECK(memory_stats().peak - before < static_cast<std::size_t>(x.numel()) * sizeof(float));
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

TEST_CASE("cross_entropy: one class has no gradient, smoothed or not") {
  const auto x = (randn<float>({64, 1}) * 10).requires_grad_();
  for (const double smoothing : {0.0, 0.1, 0.37, 1.0}) {
    const auto losses =
        cross_entropy(x, zeros<std::int64_t>({64}), {.label_smoothing = smoothing, .reduction = LossReduction::none});
    CHECK(difference(losses.detach(), zeros<float>({64})) == 0);
    CHECK(difference(grad(sum(losses * 0.7), {x})[0], zeros<float>({64, 1})) == 0);
  }
}

TEST_CASE("cross_entropy: a class with a logit of -infinity is impossible, and so is the loss where it is wanted") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Tensor<float> x = Tensor<float>{{-infinity, 1, 2, 1, 0}, {-infinity, 1, 2, 1, 0}}.requires_grad_();
  const auto losses = [&](const Ids& target, double smoothing) {
    return cross_entropy(x, target, {.label_smoothing = smoothing, .reduction = LossReduction::none});
  };
  CHECK(difference(losses({0, 1}, 0).detach(), Tensor<float>{infinity, 1.6265f}) < 1e-5);
  CHECK(difference(losses({0, 1}, 0.4).detach(), Tensor<float>{infinity, infinity}) == 0);
  CHECK(difference(losses({0, 1}, 1).detach(), Tensor<float>{infinity, infinity}) == 0);
  CHECK(difference(grad(sum(losses({2, 1}, 0.4)), {x})[0],
                   Tensor<float>{{-0.08f, 0.11661f, -0.14556f, 0.11661f, -0.00767f},
                                 {-0.08f, -0.48339f, 0.45444f, 0.11661f, -0.00767f}}) < 1e-4);
}

TEST_CASE("losses: wrong shapes and classes are named") {
  const auto x = zeros<float>({2, 3});
  CHECK_ERROR(cross_entropy(x, Ids{0}), ShapeError,
              "cross_entropy: target [1] does not match x [2, 3] without axis 1, that of the classes");
  const auto words = zeros<float>({2, 4, 5});
  CHECK_ERROR(
      cross_entropy(words, zeros<std::int64_t>({2, 4})), ShapeError,
      "cross_entropy: target [2, 4] does not match x [2, 4, 5] without axis 1, that of the classes; it does with "
      "class_axis -1");
  CHECK_ERROR(nll_loss(words, zeros<std::int64_t>({2, 5}), {.class_axis = -1}), ShapeError,
              "nll_loss: target [2, 5] does not match x [2, 4, 5] without axis 2, that of the classes; it does with "
              "class_axis 1");
  CHECK_ERROR(cross_entropy(words, zeros<std::int64_t>({4, 5}), {.class_axis = -1}), ShapeError,
              "cross_entropy: target [4, 5] does not match x [2, 4, 5] without axis 2, that of the classes");
  CHECK_ERROR(cross_entropy(words, zeros<std::int64_t>({2, 4}), {.class_axis = 3}), IndexError,
              "cross_entropy: axis 3 is out of range for 3 axes");
  CHECK_ERROR(nll_loss(zeros<float>({3}), scalar<std::int64_t>(0), {.class_axis = 2}), IndexError,
              "nll_loss: axis 2 is out of range for 1 axis");
  CHECK_ERROR(cross_entropy(x, Ids{0, 3}), IndexError, "cross_entropy: target 3 is out of range for x [2, 3]");
  CHECK_ERROR(cross_entropy(x, Ids{0, 1}, {.label_smoothing = 1.5}), Error,
              "cross_entropy: label_smoothing 1.5 is not in [0, 1]");
  CHECK_ERROR(cross_entropy(scalar<float>(0), Ids{0}), ShapeError, "cross_entropy: a scalar has no axis of classes");
  CHECK_ERROR(nll_loss(x, Ids{0, -1}), IndexError, "nll_loss: target -1 is out of range for x [2, 3]");
  CHECK_ERROR(nll_loss(x, Ids{0, 1, 2}), ShapeError,
              "nll_loss: target [3] does not match x [2, 3] without axis 1, that of the classes");
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
