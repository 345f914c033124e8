// Batch, LabelSmoothing, SimpleLossCompute and run_epoch.
#include <cmath>

#include <gloss/gloss.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;
using Ids = Tensor<std::int64_t>;
using V = std::vector<Tensor<double>>;

namespace {

/// AT's LabelSmoothing as it is written there: the target matrix, then KL divergence.
Tensor<double> composed_smoothing(const Tensor<double>& x, const Ids& target, Index size, std::int64_t padding,
                                  double smoothing) {
  const auto rows = x.reshape({-1, size});
  const auto y = target.reshape({-1});
  auto wanted = full<double>(rows.shape(), smoothing / static_cast<double>(size - 2));
  for (Index r = 0; r < y.numel(); ++r) {
    wanted.at({r, y.at({r})}) = 1 - smoothing;
    if (padding >= 0 && padding < size) wanted.at({r, padding}) = 0;
    if (y.at({r}) == padding) wanted.select(0, r).fill_(0);
  }
  return kl_div(rows, wanted, LossReduction::sum);
}

/// A model of one table and a criterion that counts its calls: enough for run_epoch.
struct TinyModel final : nn::Module<double> {
  nn::Linear<double> proj{2, 3};
  Tensor<double> operator()(const Ids& src, const Ids& tgt, const Tensor<bool>&, const Tensor<bool>&) const {
    return cast<double>(cat<std::int64_t>({src.narrow(1, 0, 1), tgt.narrow(1, 0, 1)}, 1)).unsqueeze(1);
  }
  void visit(nn::Visitor<double>& v) override { v("proj", proj); }
};
struct CountSteps {
  Index steps = 0;
  void step() { ++steps; }
};

}  // namespace

TEST_CASE("Batch: the decoder reads all but the last token and says all but the first") {
  const Ids src = {{0, 5, 1, 2}, {0, 6, 7, 1}}, tgt = {{0, 3, 4, 1}, {0, 3, 1, 2}};
  const train::Batch batch(src, tgt);
  CHECK(same_bits(batch.src, src));
  CHECK(values(batch.tgt) == std::vector<std::int64_t>{0, 3, 4, 0, 3, 1});
  CHECK(values(batch.tgt_y) == std::vector<std::int64_t>{3, 4, 1, 3, 1, 2});
  CHECK(batch.ntokens == 5);
  CHECK(batch.src_mask.shape() == Shape{2, 1, 4});
  CHECK(values(batch.src_mask) == std::vector<bool>{true, true, true, false, true, true, true, true});
  CHECK(batch.tgt_mask.shape() == Shape{2, 3, 3});
  for (Index b = 0; b < 2; ++b)
    for (Index i = 0; i < 3; ++i)
      for (Index j = 0; j < 3; ++j) CHECK(batch.tgt_mask.at({b, i, j}) == (j <= i && batch.tgt.at({b, j}) != 2));
  const train::Batch other(src, tgt, 1);
  CHECK(other.ntokens == 4);
  CHECK_FALSE(other.src_mask.at({1, 0, 3}));
}

TEST_CASE("Batch: the mask hides padding and later words") {
  CHECK(same_bits(train::Batch::make_std_mask({{5, 2, 6}}, 2),
                  Tensor<bool>({{{true, false, false}, {true, false, false}, {true, false, true}}})));
}

TEST_CASE("Batch: sizes that do not fit are named") {
  CHECK_ERROR(train::Batch(zeros<std::int64_t>({2, 3}), zeros<std::int64_t>({3, 3})), ShapeError,
              "Batch: src [2, 3] and tgt [3, 3] must be [batch, length] with one batch size, tgt at least 2 long");
  CHECK_ERROR(train::Batch(zeros<std::int64_t>({2, 3}), zeros<std::int64_t>({2, 1})), ShapeError,
              "Batch: src [2, 3] and tgt [2, 1] must be [batch, length] with one batch size, tgt at least 2 long");
}

TEST_CASE("LabelSmoothing: equals the composed definition, with padding inside, outside, at the target, and none") {
  Rng rng(41);
  RngGuard use(rng);
  for (const Index size : {3, 7, 40})
    for (const std::int64_t padding : {std::int64_t{0}, std::int64_t{2}, std::int64_t{-1}, std::int64_t{99}})
      for (const double smoothing : {0.0, 0.1, 0.4, 1.0}) {
        INFO("size " << size << ", padding " << padding << ", smoothing " << smoothing);
        const auto x = log_softmax(randn<double>({3, 4, size}) * 2, -1);
        const Ids target = randint(0, size, {3, 4});
        if (padding >= 0 && padding < size) target.at({1, 1}) = padding;
        const train::LabelSmoothing<double> criterion(size, padding, smoothing);
        CHECK(difference(criterion(x, target), composed_smoothing(x, target, size, padding, smoothing)) < 1e-12);
      }
}

TEST_CASE("LabelSmoothing: gradients agree with difference quotients") {
  Rng rng(42);
  RngGuard use(rng);
  const Ids target = {1, 0, 3, 2, 3};
  for (const std::int64_t padding : {std::int64_t{0}, std::int64_t{-1}})
    for (const double smoothing : {0.0, 0.3}) {
      const train::LabelSmoothing<double> criterion(4, padding, smoothing);
      const auto leaf = randn<double>({5, 4}).requires_grad_();
      CHECK(gradcheck([&](const V& x) { return criterion(x[0], target); }, {leaf}));
      CHECK(gradcheck([&](const V& x) { return criterion(log_softmax(x[0].transpose(0, 1), -1), target) * 0.5; },
                      {randn<double>({4, 5}).requires_grad_()}));
    }
}

TEMPLATE_TEST_CASE("LabelSmoothing: logits that rule padding out count nothing", "", float, double) {
  using T = TestType;
  const T infinity = std::numeric_limits<T>::infinity();
  const Tensor<T> logits = Tensor<T>{{-infinity, 1, 2, 1, 0}, {-infinity, 1, 2, 1, 0}}.requires_grad_();
  const Tensor<std::int64_t> target = {2, 1};
  const auto loss = train::LabelSmoothing<T>(5, 0, 0.4)(log_softmax(logits, -1), target);
  CHECK(loss.item() == Approx(0.5614667246941654).epsilon(1e-6));
  const Tensor<T> d = grad(loss, {logits})[0], p = softmax(logits.detach(), -1);
  const T on = T(0.6), off = T(0.4) / 3;
  CHECK(difference(d, p - Tensor<T>{{0, off, on, off, off}, {0, on, off, off, off}}) < 1e-6);
  CHECK(d.at({0, 0}) == 0);
  // a word that is ruled out is possible only where it counts nothing
  const Tensor<T> out = log_softmax(Tensor<T>{{0, 1, 2, 1, -infinity}}, -1);
  CHECK(train::LabelSmoothing<T>(5, 0, 0.4)(out, {2}).item() == infinity);
  CHECK(train::LabelSmoothing<T>(5, 0, 0.4)(out, {4}).item() == infinity);
  CHECK(std::isfinite(train::LabelSmoothing<T>(5, 0, 0)(out, {2}).item()));
  CHECK(std::isfinite(train::LabelSmoothing<T>(5, 0, 1)(out, {4}).item()));
}

TEST_CASE("LabelSmoothing: a gradient that is to be recorded is refused") {
  const train::LabelSmoothing<double> criterion(4, 0, 0.1);
  const Tensor<double> x = randn<double>({2, 4}).requires_grad_();
  CHECK_ERROR((criterion(x, {1, 2}).backward({.create_graph = true})), GradError,
              "label_smoothing: a fused op has no second derivative");
}

TEST_CASE("LabelSmoothing: only padding, no rows, and wrong arguments") {
  const train::LabelSmoothing<float> criterion(5, 0, 0.1);
  CHECK(criterion(randn<float>({3, 5}), zeros<std::int64_t>({3})).item() == 0);
  CHECK(criterion(zeros<float>({0, 5}), zeros<std::int64_t>({0})).item() == 0);
  CHECK_ERROR(criterion(zeros<float>({2, 4}), zeros<std::int64_t>({2})), ShapeError,
              "LabelSmoothing: x [2, 4] does not end in size 5");
  CHECK_ERROR(criterion(zeros<float>({2, 5}), zeros<std::int64_t>({3})), ShapeError,
              "LabelSmoothing: target [3] does not fit x [2, 5]");
  CHECK_ERROR(criterion(zeros<float>({1, 5}), Ids{5}), IndexError,
              "LabelSmoothing: target 5 is out of range for size 5");
  CHECK_ERROR(train::LabelSmoothing<float>(2, 0), Error, "LabelSmoothing: size 2 leaves nothing to spread over");
  CHECK_ERROR(train::LabelSmoothing<float>(5, 0, 1.5), Error, "LabelSmoothing: smoothing 1.5 is not in [0, 1]");
}

TEST_CASE("SimpleLossCompute: gives the sum for the report and the quotient for backward") {
  const transformer::Generator<double> generator(4, 6);
  const train::LabelSmoothing<double> criterion(6, 0, 0.1);
  const train::SimpleLossCompute compute(generator, criterion);
  const auto x = randn<double>({2, 3, 4});
  const Ids y = {{1, 2, 0}, {5, 4, 3}};
  const double plain = criterion(generator(x), y).item();
  const auto loss = compute(x, y, 5.0);
  CHECK(loss.node.item() == Approx(plain / 5).epsilon(1e-14));
  CHECK(loss.total == Approx(plain).epsilon(1e-14));
  CHECK(loss.node.requires_grad());
  CHECK_ERROR(compute(x, y, 0.0), Error, "SimpleLossCompute: norm 0 is not positive");
}

TEST_CASE("run_epoch: steps after batches 0, k, 2k, ... and gathers gradients between, as AT does") {
  const Ids src = {{0, 1}}, tgt = {{0, 1, 2}};
  const std::vector<train::Batch> batches(7, train::Batch(src, tgt, 9));
  for (const Index accum_iter : {1, 3, 100}) {
    TinyModel model;
    optim::SGD<double> sgd(model.parameters(), {.lr = 0.01});
    CountSteps scheduler;
    train::TrainState state;
    Index seen = 0, steps_before = 0;
    const auto compute = [&](const Tensor<double>& x, const Ids& y, double norm) {
      const Tensor<double> loss = sum(model.proj(x)) / norm;
      CHECK(y.numel() == 2);
      // the gradient gathered since the last step: 0 right after one
      CHECK(model.proj.bias.grad().defined() == (seen > 0 && (seen - 1) % accum_iter != 0));
      return train::Loss<double>{loss.item() * norm, loss};
    };
    const double loss = train::run_epoch(batches, model, compute, sgd, scheduler, {.accum_iter = accum_iter}, &state,
                                         [&](const train::EpochProgress& progress) {
                                           CHECK(progress.batch == ++seen);
                                           CHECK(progress.tokens == 2 * seen);
                                           CHECK(sgd.steps() - steps_before == ((seen - 1) % accum_iter == 0 ? 1 : 0));
                                           steps_before = sgd.steps();
                                           return true;
                                         });
    CHECK(std::isfinite(loss));
    CHECK(sgd.steps() == (7 + accum_iter - 1) / accum_iter);
    CHECK(state.step == 7);
    CHECK(state.accum_step == sgd.steps());
    CHECK(state.samples == 7);
    CHECK(state.tokens == 14);
    CHECK(scheduler.steps == 7);
  }
}

TEST_CASE("evaluate: records and changes nothing; run_epoch: a report that says no stops") {
  TinyModel model;
  const auto before = model.proj.weight.detach().clone();
  optim::SGD<double> sgd(model.parameters());
  CountSteps scheduler;
  train::TrainState state;
  const std::vector<train::Batch> batches(4, train::Batch(Ids{{0, 1}}, Ids{{0, 1, 2}}, 9));
  double per_token = 0;
  const auto compute = [&](const Tensor<double>& x, const Ids&, double norm) {
    const Tensor<double> loss = sum(model.proj(x)) / norm;
    CHECK(loss.requires_grad() == is_grad_enabled());
    CHECK(norm == 2);
    per_token = loss.item();
    return train::Loss<double>{loss.item() * norm, loss};
  };
  const double loss = train::evaluate(batches, model, compute);
  CHECK(loss == Approx(per_token));
  Index seen = 0;
  train::evaluate(batches, model, compute, [&](const train::EpochProgress& progress) {
    CHECK(progress.tokens == 2 * ++seen);
    return seen < 3;
  });
  CHECK(seen == 3);
  CHECK(is_grad_enabled());
  CHECK(sgd.steps() + scheduler.steps + state.step == 0);
  CHECK_FALSE(model.proj.weight.grad().defined());
  CHECK(same_bits(model.proj.weight.detach(), before));
  train::run_epoch(batches, model, compute, sgd, scheduler, {}, &state,
                   [](const train::EpochProgress& progress) { return progress.batch < 2; });
  CHECK(state.step == 2);
  CHECK_ERROR(train::run_epoch(batches, model, compute, sgd, scheduler, {.accum_iter = 0}), Error,
              "run_epoch: accum_iter 0 is not positive");
}
