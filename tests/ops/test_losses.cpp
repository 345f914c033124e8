// Losses; gelu, erf and clamp. Values against PyTorch: test_golden_fused.cpp, test_golden_losses.cpp
#include <cmath>

#include <gloss/kernels/loss.hpp>
#include <gloss/ops/binary_cross_entropy.hpp>
#include <gloss/ops/clamp.hpp>
#include <gloss/ops/cosine_embedding_loss.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/elementwise_loss.hpp>
#include <gloss/ops/gelu.hpp>
#include <gloss/ops/huber_loss.hpp>
#include <gloss/ops/info_nce_loss.hpp>
#include <gloss/ops/kl_div.hpp>
#include <gloss/ops/l1_loss.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/mse_loss.hpp>
#include <gloss/ops/nll_loss.hpp>
#include <gloss/ops/reduce_loss.hpp>
#include <gloss/ops/smooth_l1_loss.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/ops/softplus.hpp>
#include <gloss/ops/trig.hpp>
#include <gloss/ops/triplet_margin_loss.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

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
  const auto weight = ones<float>({2});
  CHECK_ERROR(cross_entropy(x, Ids{0, 1}, weight), ShapeError,
              "cross_entropy: weight [2] is not a number for each of 3 classes");
  CHECK_ERROR(nll_loss(zeros<float>({2, 1}), Ids{0, 0}, weight), ShapeError,
              "nll_loss: weight [2] is not a number for each of 1 class");
  CHECK_ERROR(cross_entropy(x, Tensor<float>{0, 1}), ShapeError,
              "cross_entropy: probabilities [2] do not have the shape of x [2, 3]; classes are int64");
  CHECK_ERROR(cross_entropy(x, x, weight), ShapeError,
              "cross_entropy: weight [2] is not a number for each of 3 classes");
  CHECK_ERROR(cross_entropy(x, x, {.class_axis = 2}), IndexError, "cross_entropy: axis 2 is out of range for 2 axes");
  CHECK_ERROR(cross_entropy(x, x, {.label_smoothing = -1}), Error,
              "cross_entropy: label_smoothing -1 is not in [0, 1]");
  CHECK_ERROR(cross_entropy(scalar<float>(0), scalar<float>(0)), ShapeError,
              "cross_entropy: a scalar has no axis of classes");
  CHECK_ERROR(cross_entropy(x, Ids{0, 1}, {.reduction = LossReduction::batchmean}), Error,
              "loss: batchmean is a reduction of kl_div alone");
  CHECK_ERROR(mse_loss(x, x, LossReduction::batchmean), Error, "loss: batchmean is a reduction of kl_div alone");
}

TEST_CASE("losses: no shape broadcasts, and options without a meaning are refused") {
  const auto x = zeros<float>({2, 3}), column = zeros<float>({2, 1});
  CHECK_ERROR(mse_loss(x, column), ShapeError, "mse_loss: target [2, 1] does not have the shape of x [2, 3]");
  CHECK_ERROR(l1_loss(x, column), ShapeError, "l1_loss: target [2, 1] does not have the shape of x [2, 3]");
  CHECK_ERROR(smooth_l1_loss(x, column), ShapeError,
              "smooth_l1_loss: target [2, 1] does not have the shape of x [2, 3]");
  CHECK_ERROR(huber_loss(x, column), ShapeError, "huber_loss: target [2, 1] does not have the shape of x [2, 3]");
  CHECK_ERROR(smooth_l1_loss(x, x, {.beta = -1}), Error, "smooth_l1_loss: beta -1 is negative");
  CHECK_ERROR(huber_loss(x, x, {.delta = 0}), Error, "huber_loss: delta 0 is not above 0");
  CHECK_ERROR(binary_cross_entropy(x, column), ShapeError,
              "binary_cross_entropy: target [2, 1] does not have the shape of x [2, 3]");
  CHECK_ERROR(binary_cross_entropy(x, x, {.weight = zeros<float>({4, 2, 3})}), ShapeError,
              "binary_cross_entropy: weight [4, 2, 3] does not stretch to x [2, 3]");
  CHECK_ERROR(binary_cross_entropy(Tensor<float>{0.5f, 1.5f}, Tensor<float>{0, 1}), Error,
              "binary_cross_entropy: x has 1.5, outside [0, 1]");
  CHECK_ERROR(binary_cross_entropy(Tensor<float>{-0.5f}, Tensor<float>{0}), Error,
              "binary_cross_entropy: x has -0.5, outside [0, 1]");
  CHECK_ERROR(binary_cross_entropy(Tensor<float>{NAN}, Tensor<float>{0}), Error,
              "binary_cross_entropy: x has nan, outside [0, 1]");
  CHECK_ERROR(binary_cross_entropy_with_logits(x, column), ShapeError,
              "binary_cross_entropy_with_logits: target [2, 1] does not have the shape of x [2, 3]");
  CHECK_ERROR(binary_cross_entropy_with_logits(x, x, {.pos_weight = zeros<float>({2})}), ShapeError,
              "binary_cross_entropy_with_logits: shapes do not broadcast: a [2, 3], b [2] differ at axis -1");
  CHECK_ERROR(triplet_margin_loss(x, x, column), ShapeError,
              "triplet_margin_loss: rows of one shape are wanted: anchor [2, 3], positive [2, 3], negative [2, 1]");
  CHECK_ERROR(triplet_margin_loss(x, x, x, {.margin = 0}), Error, "triplet_margin_loss: margin 0 is not above 0");
  CHECK_ERROR(cosine_embedding_loss(x, x, Ids{1}), ShapeError,
              "cosine_embedding_loss: pairs of rows and a target for each are wanted: a [2, 3], b [2, 3], target [1]");
  CHECK_ERROR(info_nce_loss(x, column), ShapeError,
              "info_nce_loss: two matrices of one shape are wanted: query [2, 3], key [2, 1]");
  CHECK_ERROR(info_nce_loss(x, x, {.temperature = 0}), Error, "info_nce_loss: temperature 0 is not above 0");
}

TEST_CASE("losses: of nothing the sum is 0 and the mean NaN") {
  const auto none = zeros<float>({0, 3});
  const auto of = [](const auto& loss) {
    CHECK(std::isnan(loss(LossReduction::mean).item()));
    CHECK(loss(LossReduction::sum).item() == 0);
    CHECK(loss(LossReduction::none).numel() == 0);
  };
  of([&](LossReduction r) { return mse_loss(none, none, r); });
  of([&](LossReduction r) { return l1_loss(none, none, r); });
  of([&](LossReduction r) { return smooth_l1_loss(none, none, {.reduction = r}); });
  of([&](LossReduction r) { return huber_loss(none, none, {.reduction = r}); });
  of([&](LossReduction r) { return binary_cross_entropy(none, none, {.reduction = r}); });
  of([&](LossReduction r) { return binary_cross_entropy_with_logits(none, none, {.reduction = r}); });
  of([&](LossReduction r) { return triplet_margin_loss(none, none, none, {.reduction = r}); });
  of([&](LossReduction r) { return cosine_embedding_loss(none, none, zeros<float>({0}), {.reduction = r}); });
  of([&](LossReduction r) { return cross_entropy(none, none, {.reduction = r}); });
  of([&](LossReduction r) { return cross_entropy(none, Ids::uninitialized({0}), ones<float>({3}), {.reduction = r}); });
  of([&](LossReduction r) { return nll_loss(none, Ids::uninitialized({0}), ones<float>({3}), {.reduction = r}); });
  const auto x = zeros<float>({2, 3}).requires_grad_();
  const auto all_ignored = cross_entropy(x, Ids{-100, -100}, ones<float>({3}), {.reduction = LossReduction::sum});
  CHECK(all_ignored.item() == 0);
  CHECK(difference(grad(all_ignored, {x})[0], zeros<float>({2, 3})) == 0);
  CHECK(std::isnan(cross_entropy(x, Ids{-100, -100}, ones<float>({3})).item()));
}

TEST_CASE("losses: sums over many elements are those of ops, the same for any number of threads and any layout") {
  const auto x = randn<float>({130, 257}), target = rand<float>({130, 257}), weight = rand<float>({257});
  const auto turned = [](const Tensor<float>& t) { return t.transpose(0, 1).contiguous().transpose(0, 1); };
  const auto check = [&](const auto& loss, const auto& composed) {
    const auto leaf = x.clone().requires_grad_();
    const auto y = loss(leaf, target);
    CHECK(difference(y, composed(x, target)) < 1e-6);
    const auto dx = grad(y, {leaf})[0];
    for (const int threads : {1, 3}) {
      const gloss_test::Threads use(threads);
      const auto strided = turned(x).requires_grad_();
      const auto again = loss(strided, turned(target));
      CHECK(same_bits(again, y));
      CHECK(same_bits(grad(again, {strided})[0], dx));
    }
  };
  using F = const Tensor<float>&;
  check([](F a, F b) { return mse_loss(a, b); }, [](F a, F b) { return mean(square(a - b)); });
  check([](F a, F b) { return l1_loss(a, b); }, [](F a, F b) { return mean(abs(a - b)); });
  check([](F a, F b) { return huber_loss(a, b); },
        [](F a, F b) {
          const auto d = abs(a - b);
          return mean(where(d < 1, square(d) / 2, d - 0.5));
        });
  check([&](F a, F b) { return binary_cross_entropy_with_logits(a, b, {.pos_weight = weight}); },
        [&](F a, F b) { return mean(weight * b * softplus(-a) + (1 - b) * softplus(a)); });
  check([&](F a, F b) { return binary_cross_entropy_with_logits(a, b, {.weight = weight}); },
        [&](F a, F b) { return mean(weight * (softplus(a) - a * b)); });
  check([&](F a, F b) { return cross_entropy(a, b, weight); },
        [&](F a, F b) { return mean(-sum(log_softmax(a, 1) * b * weight, 1)); });
}

TEST_CASE("binary_cross_entropy: certain and wrong, and small probabilities, keep their digits") {
  using T = Tensor<float>;
  const auto each = [](const T& x, const T& t) {
    return binary_cross_entropy(x, t, {.reduction = LossReduction::none});
  };
  CHECK(values(each(T{0, 1, 0, 1}, T{0, 1, 1, 0})) == std::vector<float>{0, 0, 100, 100});
  CHECK(each(T{1e-10f}, T{0}).item() == Approx(1e-10).epsilon(1e-6));
  const auto of_logits = [](const T& x, const T& t) {
    return binary_cross_entropy_with_logits(x, t, {.reduction = LossReduction::none});
  };
  CHECK(values(of_logits(T{500, -500, 500, -500}, T{1, 0, 0, 1})) == std::vector<float>{0, 0, 500, 500});
  CHECK(of_logits(T{-30}, T{0}).item() == Approx(9.357623e-14).epsilon(1e-6));
  const auto x = T{-30, 30}.requires_grad_();
  const auto dx = grad(sum(of_logits(x, T{0, 1})), {x})[0];
  CHECK(dx.at({0}) == Approx(9.357623e-14).epsilon(1e-6));
  CHECK(dx.at({1}) == Approx(-9.357623e-14).epsilon(1e-6));
}

TEST_CASE("losses of differences: NaN is not lost") {
  const auto x = Tensor<float>{NAN, 1}.requires_grad_();
  const Tensor<float> target = {0, 0};
  for (const auto& loss : {mse_loss(x, target), l1_loss(x, target), smooth_l1_loss(x, target), huber_loss(x, target)}) {
    CHECK(std::isnan(loss.item()));
    const auto dx = grad(loss, {x})[0];
    CHECK(std::isnan(dx.at({0})));
    CHECK(dx.at({1}) > 0);
  }
}

TEST_CASE("cross_entropy: a class of probability 0 may be impossible") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto x = Tensor<float>{{-infinity, 1, 2}}.requires_grad_();
  const auto loss = cross_entropy(x, Tensor<float>{{0, 0.25f, 0.75f}});
  CHECK(loss.item() == Approx(0.56326169).epsilon(1e-6));
  CHECK(difference(grad(loss, {x})[0], Tensor<float>{{0, 0.01894142f, -0.01894142f}}) < 1e-6);
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
