// Schedules against PyTorch's over 60 steps (golden/generate_schedules.py), their state, their errors.
#include <limits>

#include <gloss/optim/adam.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/optim/schedules/chained_scheduler.hpp>
#include <gloss/optim/schedules/constant_lr.hpp>
#include <gloss/optim/schedules/cosine_annealing_lr.hpp>
#include <gloss/optim/schedules/cosine_annealing_warm_restarts.hpp>
#include <gloss/optim/schedules/exponential_lr.hpp>
#include <gloss/optim/schedules/inverse_sqrt_lr.hpp>
#include <gloss/optim/schedules/linear_lr.hpp>
#include <gloss/optim/schedules/multi_step_lr.hpp>
#include <gloss/optim/schedules/one_cycle_lr.hpp>
#include <gloss/optim/schedules/polynomial_lr.hpp>
#include <gloss/optim/schedules/reduce_lr_on_plateau.hpp>
#include <gloss/optim/schedules/schedule.hpp>
#include <gloss/optim/schedules/sequential_lr.hpp>
#include <gloss/optim/schedules/step_lr.hpp>
#include <gloss/optim/schedules/warmup_lr.hpp>
#include <gloss/optim/schedules/warmup_stable_decay_lr.hpp>
#include <gloss/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

const double no_number = std::numeric_limits<double>::quiet_NaN();

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("schedules.safetensors");
  return file;
}

Tensor<float> leaf() { return zeros<float>({1}).requires_grad_(); }

/// Two groups, with rates of 0.1 and 0.025.
optim::Adam<float> two_groups() { return optim::Adam<float>({{{leaf()}, {.lr = 0.1}}, {{leaf()}, {.lr = 0.025}}}); }

void check_rates(const optim::Optimizer<float>& optimizer, const std::string& name, Index step) {
  INFO(name << ", step " << step);
  const auto expected = golden().tensor<double>(name + "/lr");
  for (const Index group : {0, 1})
    CHECK(optimizer.lr(group) == Approx(expected.at({step, group})).epsilon(1e-12).margin(1e-15));
}

/// The rates of 60 steps are PyTorch's; jumping there gives the same ones, and so does going on from a state.
template <class Make>
void check(const std::string& name, Make make) {
  auto adam = two_groups(), other = two_groups();
  auto schedule = make(adam), resumed = make(other);
  for (Index step = 0; step <= 60; ++step) {
    CHECK(schedule.steps() == step);
    CHECK(schedule.lr() == adam.lr());
    CHECK(schedule.lr(1) == adam.lr(1));
    check_rates(adam, name, step);
    resumed.load_state(schedule.state());
    CHECK(resumed.steps() == step);
    CHECK(other.lr(0) == adam.lr(0));
    CHECK(other.lr(1) == adam.lr(1));
    schedule.step();
  }
  schedule.set_steps(31);
  check_rates(adam, name, 31);
}

}  // namespace

TEST_CASE("StepLR, MultiStepLR, ExponentialLR: PyTorch's rates") {
  check("step", [](auto& o) { return optim::StepLR(o, {.step_size = 7, .gamma = 0.5}); });
  check("multi_step", [](auto& o) { return optim::MultiStepLR(o, {.milestones = {30, 5, 30, 44}, .gamma = 0.3}); });
  check("exponential", [](auto& o) { return optim::ExponentialLR(o, {.gamma = 0.95}); });
}

TEST_CASE("LinearLR, ConstantLR, PolynomialLR: PyTorch's rates") {
  check("linear",
        [](auto& o) { return optim::LinearLR(o, {.start_factor = 0.25, .end_factor = 0.75, .total_iters = 40}); });
  check("linear_default", [](auto& o) { return optim::LinearLR(o); });
  check("constant", [](auto& o) { return optim::ConstantLR(o, {.factor = 0.2, .total_iters = 13}); });
  check("constant_default", [](auto& o) { return optim::ConstantLR(o); });
  check("polynomial", [](auto& o) { return optim::PolynomialLR(o, {.total_iters = 50, .power = 2.5}); });
  check("polynomial_default", [](auto& o) { return optim::PolynomialLR(o); });
}

TEST_CASE("CosineAnnealingLR, CosineAnnealingWarmRestarts: PyTorch's rates") {
  check("cosine", [](auto& o) { return optim::CosineAnnealingLR(o, {.T_max = 60}); });
  check("cosine_mirrored", [](auto& o) { return optim::CosineAnnealingLR(o, {.T_max = 17, .eta_min = 0.01}); });
  check("restarts", [](auto& o) { return optim::CosineAnnealingWarmRestarts(o, {.T_0 = 11, .eta_min = 0.001}); });
  check("restarts_longer", [](auto& o) { return optim::CosineAnnealingWarmRestarts(o, {.T_0 = 5, .T_mult = 2}); });
}

TEST_CASE("OneCycleLR: PyTorch's rates and momenta") {
  const optim::OneCycleLROptions three{.total_steps = 61,
                                       .max_lr = 0.3,
                                       .pct_start = 0.25,
                                       .along_cosine = false,
                                       .base_momentum = 0.7,
                                       .max_momentum = 0.9,
                                       .div_factor = 10,
                                       .final_div_factor = 100,
                                       .three_phase = true};
  check("one_cycle", [](auto& o) { return optim::OneCycleLR(o, {.total_steps = 61, .max_lr = 0.3}); });
  check("one_cycle_three", [&](auto& o) { return optim::OneCycleLR(o, three); });
  check("one_cycle_of_each",
        [](auto& o) { return optim::OneCycleLR(o, {.total_steps = 61, .cycle_momentum = false}); });
  auto adam = two_groups();
  const optim::OneCycleLR plain(adam, {.total_steps = 61}), phased(adam, three);
  for (Index step = 0; step <= 60; ++step) {
    CHECK(plain.momentum(step) == Approx(golden().tensor<double>("one_cycle/momentum").at({step})).epsilon(1e-13));
    CHECK(phased.momentum(step) ==
          Approx(golden().tensor<double>("one_cycle_three/momentum").at({step})).epsilon(1e-13));
  }
  CHECK(plain.rate(1, 61) == plain.rate(1, 60));  // it stays at the end
  CHECK(plain.momentum(1000) == plain.momentum(60));
  for (const Index total : {1, 4}) {  // a rise of no step: it begins at the peak, where PyTorch divides by 0
    const optim::OneCycleLR at_once(
        adam, {.total_steps = total, .max_lr = 0.5, .pct_start = 1.0 / static_cast<double>(total)});
    CHECK(at_once.lr() == 0.5);
  }
}

TEST_CASE("OneCycleLR: the optimizer's next step has the momentum, where it has one") {
  for (const bool cycles : {true, false}) {
    auto p = leaf();
    optim::SGD<float> sgd({p}, {.lr = 1, .momentum = 0.5});
    optim::OneCycleLR schedule(sgd, {.total_steps = 4, .max_lr = 25, .cycle_momentum = cycles, .max_momentum = 0.75});
    for (int i = 0; i < 2; ++i) {
      p.set_grad(ones<float>({1}));
      sgd.step();
    }
    CHECK(sgd.state()[0].second.item() == (cycles ? 1.75f : 1.5f));
  }
  auto p = leaf();
  optim::SGD<float> sgd({p});
  const optim::OneCycleLR schedule(sgd, {.total_steps = 4});
  CHECK(sgd.state().empty());
  optim::Adam<float> adam({p});
  adam.set_momentum(0.75);
  p.set_grad(ones<float>({1}));
  adam.step();
  CHECK(adam.state()[0].second.item() == 0.25f);
  CHECK_ERROR((adam.set_momentum(1), 0), Error, "Adam: beta 1 is not in [0, 1)");
}

TEST_CASE("InverseSqrtLR, WarmupStableDecayLR: the rates of transformers' functions") {
  check("inverse_sqrt", [](auto& o) { return optim::InverseSqrtLR(o, {.warmup = 12}); });
  check("inverse_sqrt_scale", [](auto& o) { return optim::InverseSqrtLR(o, {.warmup = 6, .timescale = 30}); });
  check("wsd_cosine", [](auto& o) {
    return optim::WarmupStableDecayLR(o, {.warmup = 10, .stable = 20, .decay = 25, .min_factor = 0.1});
  });
  check("wsd_linear", [](auto& o) {
    return optim::WarmupStableDecayLR(o, {.warmup = 5, .stable = 30, .decay = 25, .curve = optim::DecayCurve::linear});
  });
  check("wsd_root", [](auto& o) {
    return optim::WarmupStableDecayLR(
        o, {.stable = 40, .decay = 15, .min_factor = 0.2, .curve = optim::DecayCurve::one_minus_root});
  });
}

TEST_CASE("LambdaLR: with the Annotated Transformer's rate it is Noam's schedule; InverseSqrtLR has the same shape") {
  check("noam", [](auto& o) { return optim::LambdaLR(o, [](Index step) { return optim::rate(step, 512, 1, 20); }); });
  auto adam = two_groups();
  const optim::InverseSqrtLR same(adam, {.warmup = 20});
  for (const Index step : {1, 7, 20, 21, 60})
    CHECK(same.rate(optim::rate(20, 512, 1, 20), step) == Approx(optim::rate(step, 512, 1, 20)).epsilon(1e-14));
  int calls = 0;
  optim::LambdaLR counted(adam, [calls](Index) mutable { return ++calls; });
  counted.step();
  CHECK(counted.lr(1) == Approx(0.025 * 4));  // the fourth call: each step asks once for each of two groups
}

TEST_CASE("WarmupLR, SequentialLR, ChainedScheduler: the rates of transformers and PyTorch") {
  check("warmup_cosine",
        [](auto& o) { return optim::WarmupLR(optim::CosineAnnealingLR(o, {.T_max = 48}), {.steps = 12}); });
  check("sequential", [](auto& o) {
    return optim::SequentialLR({10, 35}, optim::LinearLR(o, {.start_factor = 0.1, .total_iters = 8}),
                               optim::CosineAnnealingLR(o, {.T_max = 30, .eta_min = 0.001}),
                               optim::ExponentialLR(o, {.gamma = 0.9}));
  });
  check("chained", [](auto& o) {
    return optim::ChainedScheduler(optim::ConstantLR(o, {.factor = 0.5, .total_iters = 20}),
                                   optim::ExponentialLR(o, {.gamma = 0.97}),
                                   optim::StepLR(o, {.step_size = 15, .gamma = 0.4}));
  });
  auto adam = two_groups();
  const optim::WarmupLR from_half(optim::ConstantLR(adam, {.factor = 0.5, .total_iters = 9}),
                                  {.steps = 4, .start_factor = 0.5});
  CHECK(adam.lr() == 0.025);  // half of the half that the other begins with
  CHECK(from_half.rate(1, 2) == 0.375);
  CHECK(from_half.rate(1, 4) == 0.5);
  CHECK(&from_half.optimizer() == &adam);
  const optim::WarmupLR none(optim::ExponentialLR(adam, {.gamma = 0.5}), {});
  CHECK(adam.lr() == 0.1);
}

TEST_CASE("ReduceLROnPlateau: PyTorch's rates, also when it goes on from a state") {
  const auto compare = [](const std::string& name, const optim::ReduceLROnPlateauOptions& options) {
    auto adam = two_groups(), other = two_groups();
    optim::ReduceLROnPlateau schedule(adam, options), resumed(other, options);
    const auto metric = golden().tensor<double>("plateau/metric");
    for (Index step = 0; step < 60; ++step) {
      check_rates(adam, name, step);
      if (step % 7 == 0) resumed.load_state(schedule.state());
      schedule.step(metric.at({step}));
      resumed.step(metric.at({step}));
      CHECK(other.lr(1) == adam.lr(1));
      CHECK(resumed.steps() == step + 1);
      CHECK(resumed.best() == schedule.best());
    }
    check_rates(adam, name, 60);
    CHECK(schedule.lr(1) == adam.lr(1));
  };
  compare("plateau", {.factor = 0.3, .patience = 2});
  compare("plateau_max", {.maximize = true,
                          .factor = 0.5,
                          .patience = 1,
                          .threshold = 0.05,
                          .absolute_threshold = true,
                          .cooldown = 3,
                          .min_lr = 0.004});
  compare("plateau_eps", {.factor = 0.5, .patience = 0, .threshold = 0.1, .eps = 0.004});
}

TEST_CASE("schedules: options out of range are named") {
  auto o = two_groups();
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_ERROR(optim::StepLR(o, {}), Error, "StepLR: step_size 0 is not positive");
  CHECK_ERROR(optim::StepLR(o, {.step_size = 1, .gamma = -1}), Error,
              "StepLR: gamma -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::MultiStepLR(o, {.milestones = {1}, .gamma = no_number}), Error,
              "MultiStepLR: gamma nan is not a finite number of at least 0");
  CHECK_ERROR(optim::ExponentialLR(o, {}), Error, "ExponentialLR: gamma 0 is not a positive number");
  CHECK_ERROR(optim::ExponentialLR(o, {.gamma = inf}), Error, "ExponentialLR: gamma inf is not a positive number");
  CHECK_ERROR(optim::LinearLR(o, {.start_factor = 0}), Error, "LinearLR: start_factor 0 is not in (0, 1]");
  CHECK_ERROR(optim::LinearLR(o, {.end_factor = 1.5}), Error, "LinearLR: end_factor 1.5 is not in [0, 1]");
  CHECK_ERROR(optim::LinearLR(o, {.total_iters = 0}), Error, "LinearLR: total_iters 0 is not positive");
  CHECK_ERROR(optim::ConstantLR(o, {.factor = 2}), Error, "ConstantLR: factor 2 is not in [0, 1]");
  CHECK_ERROR(optim::ConstantLR(o, {.total_iters = -1}), Error, "ConstantLR: total_iters -1 is negative");
  CHECK_ERROR(optim::CosineAnnealingLR(o, {}), Error, "CosineAnnealingLR: T_max 0 is not positive");
  CHECK_ERROR(optim::CosineAnnealingLR(o, {.T_max = 5, .eta_min = -1}), Error,
              "CosineAnnealingLR: eta_min -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::CosineAnnealingWarmRestarts(o, {}), Error, "CosineAnnealingWarmRestarts: T_0 0 is not positive");
  CHECK_ERROR(optim::CosineAnnealingWarmRestarts(o, {.T_0 = 1, .T_mult = 0}), Error,
              "CosineAnnealingWarmRestarts: T_mult 0 is not positive");
  CHECK_ERROR(optim::CosineAnnealingWarmRestarts(o, {.T_0 = 1, .eta_min = no_number}), Error,
              "CosineAnnealingWarmRestarts: eta_min nan is not a finite number of at least 0");
  CHECK_ERROR(optim::PolynomialLR(o, {.total_iters = 0}), Error, "PolynomialLR: total_iters 0 is not positive");
  CHECK_ERROR(optim::PolynomialLR(o, {.power = -1}), Error,
              "PolynomialLR: power -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::InverseSqrtLR(o, {}), Error,
              "InverseSqrtLR: warmup 0 and timescale 0 must not be negative, nor both 0");
  CHECK_ERROR(optim::InverseSqrtLR(o, {.warmup = -1, .timescale = 5}), Error,
              "InverseSqrtLR: warmup -1 and timescale 5 must not be negative, nor both 0");
  CHECK_ERROR(optim::WarmupStableDecayLR(o, {.warmup = 1, .stable = -2, .decay = 3}), Error,
              "WarmupStableDecayLR: warmup 1, stable -2 and decay 3 must not be negative");
  CHECK_ERROR(optim::WarmupStableDecayLR(o, {.min_factor = no_number}), Error,
              "WarmupStableDecayLR: min_factor nan is not in [0, 1]");
  CHECK_ERROR(optim::OneCycleLR(o, {}), Error, "OneCycleLR: total_steps 0 is not positive");
  CHECK_ERROR(optim::OneCycleLR(o, {.total_steps = 9, .max_lr = -1}), Error,
              "OneCycleLR: max_lr -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::OneCycleLR(o, {.total_steps = 9, .pct_start = 2}), Error,
              "OneCycleLR: pct_start 2 is not in [0, 1]");
  CHECK_ERROR(optim::OneCycleLR(o, {.total_steps = 9, .max_momentum = 1}), Error,
              "OneCycleLR: momentum 1 is not in [0, 1)");
  CHECK_ERROR(optim::OneCycleLR(o, {.total_steps = 9, .final_div_factor = 0}), Error,
              "OneCycleLR: factor 0 is not a positive number");
  const optim::ConstantLR constant(o);
  CHECK_ERROR(optim::WarmupLR(constant, {.steps = -1}), Error, "WarmupLR: steps -1 is negative");
  CHECK_ERROR(optim::WarmupLR(constant, {.start_factor = -1}), Error, "WarmupLR: start_factor -1 is not in [0, 1]");
  CHECK_ERROR(optim::SequentialLR({}, constant, constant), Error, "SequentialLR: 2 schedules need 1 milestones, not 0");
  CHECK_ERROR(optim::SequentialLR({4, 4}, constant, constant, constant), Error,
              "SequentialLR: milestone 4 is not above the one before it");
  auto other = two_groups();
  const optim::ConstantLR foreign(other);
  CHECK_ERROR(optim::SequentialLR({4}, constant, foreign), Error,
              "SequentialLR: the schedules are of different optimizers");
  CHECK_ERROR(optim::ChainedScheduler(constant, foreign), Error,
              "ChainedScheduler: the schedules are of different optimizers");
  CHECK_ERROR(optim::ReduceLROnPlateau(o, {.factor = 1}), Error, "ReduceLROnPlateau: factor 1 is not in [0, 1)");
  CHECK_ERROR(optim::ReduceLROnPlateau(o, {.patience = -1}), Error, "ReduceLROnPlateau: patience -1 is negative");
  CHECK_ERROR(optim::ReduceLROnPlateau(o, {.cooldown = -1}), Error, "ReduceLROnPlateau: cooldown -1 is negative");
  CHECK_ERROR(optim::ReduceLROnPlateau(o, {.threshold = no_number}), Error,
              "ReduceLROnPlateau: threshold nan is not a finite number of at least 0");
}

TEST_CASE("schedules: a rate, a number of steps or a state that is none changes nothing") {
  auto o = two_groups();
  optim::StepLR schedule(o, {.step_size = 2, .gamma = 0.5});
  schedule.set_steps(3);
  const auto unchanged = [&] {
    CHECK(schedule.steps() == 3);
    CHECK(o.lr() == 0.05);
    CHECK(o.lr(1) == 0.0125);
  };
  CHECK_ERROR((schedule.set_steps(-1), 0), Error, "schedule: -1 steps are fewer than none");
  unchanged();
  CHECK_ERROR((schedule.load_state({{"steps", scalar<double>(1.5)}}), 0), LoadError,
              "load_state: steps is 1.5, which is no count");
  CHECK_ERROR((schedule.load_state({}), 0), LoadError, "load_state: steps is missing");
  CHECK_ERROR((schedule.load_state({{"best", scalar<double>(1)}}), 0), LoadError,
              "load_state: the schedule has no best");
  CHECK_ERROR((schedule.load_state({{"steps", ones<double>({2})}}), 0), LoadError,
              "load_state: steps has shape [2], the schedule's has []");
  unchanged();
  auto p = two_groups();
  optim::LambdaLR negative(p, [](Index step) { return 1 - 2 * static_cast<int>(step); });
  CHECK_ERROR((negative.step(), 0), Error, "schedule: learning rate -0.1 is not a finite number of at least 0");
  CHECK(negative.steps() == 0);
  CHECK(p.lr(1) == 0.025);

  optim::ReduceLROnPlateau plateau(o);
  plateau.step(4);
  auto state = plateau.state();
  state.back().second = scalar<double>(no_number);
  CHECK_ERROR((plateau.load_state(state), 0), Error,
              "schedule: learning rate nan is not a finite number of at least 0");
  state.back().second = scalar<double>(1);
  state[1].second = scalar<double>(-1);
  CHECK_ERROR((plateau.load_state(state), 0), LoadError, "load_state: bad_steps is -1, which is no count");
  unchanged();
  CHECK(plateau.best() == 4);
}
