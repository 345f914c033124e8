// Optimizers and gradient clipping against PyTorch, or the authors' formulas (golden/generate_optim.py); rate and
// LambdaLR against their formulas.
#include <limits>
#include <memory>

#include <gloss/kernels/lamb.hpp>
#include <gloss/kernels/lion.hpp>
#include <gloss/kernels/newton_schulz.hpp>
#include <gloss/kernels/rmsprop.hpp>
#include <gloss/kernels/schedule_free.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/optim/adagrad.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/clip_grad.hpp>
#include <gloss/optim/lamb.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/lion.hpp>
#include <gloss/optim/moments.hpp>
#include <gloss/optim/muon.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/optim/rmsprop.hpp>
#include <gloss/optim/schedule_free_adamw.hpp>
#include <gloss/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::values;

namespace {

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("optim_f64.safetensors");
  return file;
}

/// Sixty steps on the recorded gradients give the recorded parameters.
template <class T, class MakeOptimizer, class AtEnd>
void check_steps(const std::string& name, MakeOptimizer make, AtEnd at_end) {
  INFO(name << " " << dtype_name<T>());
  std::vector<Tensor<T>> parameters;
  for (const char* key : {"start/p0", "start/p1"}) {
    parameters.push_back(golden().tensor<T>(key));
    parameters.back().requires_grad_();
  }
  auto optimizer = make(parameters);
  const double tolerance = sizeof(T) == 8 ? 1e-13 : 2e-6;
  for (Index step = 0; step < 60; ++step) {
    for (std::size_t i = 0; i < 2; ++i) {
      if ((step == 0 || step == 2) && i == 1) continue;
      parameters[i].set_grad(golden().tensor<T>("grad/" + std::to_string(i))[step].clone());
    }
    optimizer.step();
    optimizer.zero_grad();
    for (std::size_t i = 0; i < 2; ++i) {
      INFO("step " << step << ", parameter " << i);
      CHECK(difference(parameters[i], golden().tensor<double>(name + "/p" + std::to_string(i))[step]) < tolerance);
      CHECK_FALSE(parameters[i].grad().defined());
    }
  }
  CHECK(optimizer.steps() == 60);
  at_end(optimizer, parameters);
}
template <class T, class MakeOptimizer>
void check_steps(const std::string& name, MakeOptimizer make) {
  check_steps<T>(name, make, [](auto&, auto&) {});
}

template <class T>
void check_adam(const std::string& name, optim::AdamOptions options) {
  check_steps<T>(name, [&](const auto& parameters) { return optim::Adam<T>(parameters, options); });
}
template <class T>
void check_sgd(const std::string& name, optim::SGDOptions options) {
  check_steps<T>(name, [&](const auto& parameters) { return optim::SGD<T>(parameters, options); });
}

Tensor<double> leaf(const Shape& shape) { return ones<double>(shape).requires_grad_(); }

}  // namespace

TEMPLATE_TEST_CASE("Adam: steps are PyTorch's, also around steps without a gradient", "", float, double) {
  check_adam<TestType>("adam", {.lr = 0.05});
  check_adam<TestType>("adam_noam", {.lr = 0.3, .betas = {0.9, 0.98}, .eps = 1e-9});
  check_adam<TestType>("adam_decay", {.lr = 0.05, .betas = {0.5, 0.7}, .eps = 1e-3, .weight_decay = 0.1});
  check_adam<TestType>("adam_amsgrad", {.lr = 0.05, .amsgrad = true});
  check_adam<TestType>("adam_maximize", {.lr = 0.05, .weight_decay = 0.1, .maximize = true});
}

TEMPLATE_TEST_CASE("AdamW: steps are PyTorch's, also around steps without a gradient", "", float, double) {
  const auto check = [](const std::string& name, optim::AdamWOptions options) {
    check_steps<TestType>(name, [&](const auto& parameters) { return optim::AdamW<TestType>(parameters, options); });
  };
  check("adamw", {.lr = 0.05});
  check("adamw_decay", {.lr = 0.05, .betas = {0.5, 0.7}, .eps = 1e-3, .weight_decay = 0.3});
  check("adamw_amsgrad", {.lr = 0.05, .betas = {0.5, 0.7}, .weight_decay = 0.3, .amsgrad = true, .maximize = true});
  check_adam<TestType>(
      "adamw_decay",
      {.lr = 0.05, .betas = {0.5, 0.7}, .eps = 1e-3, .weight_decay = 0.3, .decoupled_weight_decay = true});
}

TEMPLATE_TEST_CASE("SGD: steps are PyTorch's, also around steps without a gradient", "", float, double) {
  check_sgd<TestType>("sgd", {.lr = 0.1});
  check_sgd<TestType>("sgd_decay", {.lr = 0.1, .weight_decay = 0.2});
  check_sgd<TestType>("sgd_momentum", {.lr = 0.1, .momentum = 0.9});
  check_sgd<TestType>("sgd_dampening", {.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.05});
  check_sgd<TestType>("sgd_nesterov", {.lr = 0.1, .momentum = 0.8, .weight_decay = 0.05, .nesterov = true});
  check_sgd<TestType>("sgd_maximize", {.lr = 0.01, .momentum = 0.8, .weight_decay = 0.05, .maximize = true});
}

TEMPLATE_TEST_CASE("RMSprop, Adagrad: steps are PyTorch's, also around steps without a gradient", "", float, double) {
  using T = TestType;
  const auto rmsprop = [](const std::string& name, optim::RMSpropOptions options) {
    check_steps<T>(name, [&](const auto& parameters) { return optim::RMSprop<T>(parameters, options); });
  };
  rmsprop("rmsprop", {.lr = 0.02});
  rmsprop("rmsprop_centered", {.lr = 0.02, .alpha = 0.9, .weight_decay = 0.1, .momentum = 0.8, .centered = true});
  rmsprop("rmsprop_momentum", {.lr = 0.02, .eps = 1e-3, .momentum = 0.9});
  rmsprop("rmsprop_maximize", {.lr = 0.02, .alpha = 0.9, .weight_decay = 0.1, .centered = true, .maximize = true});
  const auto adagrad = [](const std::string& name, optim::AdagradOptions options) {
    check_steps<T>(name, [&](const auto& parameters) { return optim::Adagrad<T>(parameters, options); });
  };
  adagrad("adagrad", {.lr = 0.1});
  adagrad("adagrad_decay", {.lr = 0.1,
                            .lr_decay = 0.05,
                            .weight_decay = 0.1,
                            .initial_accumulator_value = 0.5,
                            .eps = 1e-3,
                            .maximize = true});
}

TEMPLATE_TEST_CASE("Lion, Lamb: steps are the authors' formulas, also around steps without a gradient", "", float,
                   double) {
  using T = TestType;
  const auto lion = [](const std::string& name, optim::LionOptions options) {
    check_steps<T>(name, [&](const auto& parameters) { return optim::Lion<T>(parameters, options); });
  };
  lion("lion", {.lr = 0.01});
  lion("lion_decay", {.lr = 0.01, .betas = {0.8, 0.9}, .weight_decay = 0.3});
  const auto lamb = [](const std::string& name, optim::LambOptions options) {
    check_steps<T>(name, [&](const auto& parameters) { return optim::Lamb<T>(parameters, options); });
  };
  lamb("lamb", {.lr = 0.02});
  lamb("lamb_decay", {.lr = 0.02, .betas = {0.5, 0.7}, .eps = 1e-3, .weight_decay = 0.3});
}

TEMPLATE_TEST_CASE("ScheduleFreeAdamW: y in training and x in evaluation are the authors' formulas", "", float,
                   double) {
  using T = TestType;
  const auto check = [](const std::string& name, optim::ScheduleFreeAdamWOptions options) {
    check_steps<T>(
        name, [&](const auto& parameters) { return optim::ScheduleFreeAdamW<T>(parameters, options); },
        [&](auto& optimizer, const auto& parameters) {
          for (const bool again : {false, true}) {
            INFO(name << ", again " << again);
            optimizer.eval();
            optimizer.eval();
            for (std::size_t i = 0; i < 2; ++i)
              CHECK(difference(parameters[i], golden().tensor<double>(name + "/x" + std::to_string(i))) <
                    (sizeof(T) == 8 ? 1e-12 : 2e-5));
            CHECK_ERROR((optimizer.step(), 0), Error, "ScheduleFreeAdamW: step() after eval(): call train() first");
            CHECK_ERROR(optimizer.state(), Error, "ScheduleFreeAdamW: state() after eval(): call train() first");
            optimizer.train();
            for (std::size_t i = 0; i < 2; ++i)
              CHECK(difference(parameters[i], golden().tensor<double>(name + "/p" + std::to_string(i))[59]) <
                    (sizeof(T) == 8 ? 1e-12 : 2e-5));
          }
        });
  };
  check("schedule_free", {.lr = 0.05});
  check("schedule_free_decay", {.lr = 0.05, .betas = {0.8, 0.9}, .eps = 1e-3, .weight_decay = 0.3, .warmup_steps = 10});
}

TEMPLATE_TEST_CASE("Muon: steps are PyTorch's of float64, wide and tall", "", float, double) {
  using T = TestType;
  const auto check = [](const std::string& name, optim::MuonOptions options) {
    INFO(name);
    std::vector<Tensor<T>> p = {golden().tensor<T>("start/p0"), golden().tensor<T>("start/p0").t().contiguous()};
    for (auto& x : p) x.requires_grad_();
    optim::Muon<T> muon(p, options);
    for (Index step = 0; step < 60; ++step) {
      const auto g = golden().tensor<T>("grad/0")[step];
      p[0].set_grad(g.clone());
      p[1].set_grad(g.t().contiguous());
      muon.step();
      for (std::size_t i = 0; i < 2; ++i) {
        INFO("step " << step << ", parameter " << i);
        CHECK(difference(p[i], golden().tensor<double>(name + "/p" + std::to_string(i))[step]) <
              (sizeof(T) == 8 ? 1e-13 : 5e-6));
      }
    }
  };
  check("muon", {.lr = 0.02});
  check("muon_plain", {.lr = 0.02, .weight_decay = 0, .momentum = 0.8, .nesterov = false, .ns_steps = 3});
  check("muon_matched", {.lr = 0.02, .adjust_lr = optim::MuonRate::match_rms_adamw});
}

TEST_CASE("Muon: a group with .adamw takes AdamW's steps") {
  const auto make = [] {
    std::vector<Tensor<double>> p = {golden().tensor<double>("start/p0"), golden().tensor<double>("start/p1")};
    for (auto& x : p) x.requires_grad_();
    return p;
  };
  const auto p = make(), q = make();
  optim::Muon<double> muon({{{p[0]}, {.lr = 0.02}}, {{p[1]}, {.lr = 0.01, .adamw = true}}});
  optim::AdamW<double> adam({q[1]}, {.lr = 0.01, .betas = {0.9, 0.95}, .weight_decay = 0.1});
  for (Index step = 0; step < 10; ++step) {
    p[0].set_grad(golden().tensor<double>("grad/0")[step].clone());
    for (const auto& x : {p[1], q[1]}) x.set_grad(golden().tensor<double>("grad/1")[step].clone());
    muon.step();
    adam.step();
  }
  CHECK(gloss_test::same_bits(p[1].detach(), q[1].detach()));
  CHECK(difference(p[0], golden().tensor<double>("muon/p0")[9]) < 1e-13);
  const auto state = muon.state();
  CHECK(state.size() == 5);
  CHECK(state[0].first == "0.momentum_buffer");
  CHECK(state[3].first == "1.exp_avg_sq");
  CHECK_ERROR(optim::Muon<double>(p), ShapeError,
              "Muon: parameter 1 has shape [5] and is no matrix: put it in a group with .adamw");
}

namespace {
/// Trains two parameters, one of them large, and gives their numbers; the optimizer is made anew after step 3 if it
/// resumes.
template <class Make>
std::vector<Tensor<float>> train(Make make, bool resumes) {
  Rng rng(3, 0);
  const RngGuard use(rng);
  std::vector<Tensor<float>> p = {randn<float>({150, 130}), randn<float>({9, 2})};
  for (auto& x : p) x.requires_grad_();
  auto optimizer = make(p);
  for (int step = 0; step < 5; ++step) {
    if (resumes && step == 3) {
      auto next = make(p);
      next->load_state(optimizer->state());
      next->set_steps(optimizer->steps());
      optimizer = std::move(next);
    }
    for (auto& x : p) x.set_grad(randn<float>(x.shape()));
    optimizer->step();
  }
  return {p[0].detach(), p[1].detach()};
}
}  // namespace

TEST_CASE("optimizers: any number of threads gives the same bits, and so does going on from a saved state") {
  const auto check = [](auto make) {
    std::vector<Tensor<float>> once;
    {
      const gloss_test::Threads one(1);
      once = train(make, false);
    }
    for (const int threads : {1, 2, 3, 8})
      for (const bool resumes : {false, true}) {
        INFO(threads << " threads, resumes " << resumes);
        const gloss_test::Threads use(threads);
        const auto again = train(make, resumes);
        for (std::size_t i = 0; i < 2; ++i) CHECK(gloss_test::same_bits(once[i], again[i]));
      }
  };
  using P = std::vector<Tensor<float>>;
  check([](const P& p) { return std::make_unique<optim::SGD<float>>(p, optim::SGDOptions{.momentum = 0.9}); });
  check([](const P& p) { return std::make_unique<optim::Adam<float>>(p, optim::AdamOptions{.amsgrad = true}); });
  check([](const P& p) {
    return std::make_unique<optim::RMSprop<float>>(p, optim::RMSpropOptions{.momentum = 0.9, .centered = true});
  });
  check([](const P& p) { return std::make_unique<optim::Adagrad<float>>(p, optim::AdagradOptions{.lr_decay = 0.1}); });
  check([](const P& p) { return std::make_unique<optim::Lion<float>>(p, optim::LionOptions{.weight_decay = 0.1}); });
  check([](const P& p) { return std::make_unique<optim::Lamb<float>>(p, optim::LambOptions{.weight_decay = 0.1}); });
  check([](const P& p) { return std::make_unique<optim::Muon<float>>(p, optim::MuonOptions{}); });
  check([](const P& p) {
    return std::make_unique<optim::ScheduleFreeAdamW<float>>(p, optim::ScheduleFreeAdamWOptions{.warmup_steps = 4});
  });
}

TEST_CASE("optimizers: set_momentum is of all groups that have one") {
  const auto first_average = [](auto&& optimizer) {
    optimizer.set_momentum(0.75);
    optimizer.parameters()[0].set_grad(ones<double>({2, 2}));
    optimizer.step();
    optimizer.step();
    return optimizer.state()[0].second.at({0, 0});
  };
  const auto p = leaf({2, 2});
  CHECK(first_average(optim::Lion<double>({p}, {.betas = {0.5, 0.5}})) == 0.75);  // its average has the second beta
  CHECK(first_average(optim::Lamb<double>({p})) == 0.4375);
  CHECK(first_average(optim::Muon<double>({p})) == 0.4375);
  CHECK(first_average(optim::Muon<double>({{{p}, {.adamw = true}}})) == 0.4375);
  optim::RMSprop<double> rmsprop({p}, {.eps = 0, .momentum = 0.5});
  rmsprop.set_momentum(0);
  rmsprop.step();
  CHECK(rmsprop.state()[1].second.at({0, 0}) == Approx(10));  // u = 1 / sqrt(0.01)
  rmsprop.set_momentum(1);
  rmsprop.step();
  CHECK(rmsprop.state()[1].second.at({0, 0}) == Approx(10 + 1 / std::sqrt(0.0199)));
}

TEST_CASE("optimizers: state copied over continues with the same bits") {
  const auto run = [](bool resumes) {
    auto p = leaf({9});
    auto optimizer = std::make_unique<optim::Adam<double>>(std::vector{p}, optim::AdamOptions{.lr = 0.1});
    for (int step = 0; step < 6; ++step) {
      p.set_grad(arange<double>(9) * (step + 1.0) + 1);
      optimizer->step();
      if (resumes && step == 2) {
        auto next = std::make_unique<optim::Adam<double>>(std::vector{p}, optim::AdamOptions{.lr = 0.1});
        auto from = optimizer->state(), to = next->state();
        for (std::size_t i = 0; i < to.size(); ++i) to[i].second.copy_(from[i].second);
        CHECK(to[1].first == "0.exp_avg_sq");
        next->set_steps(optimizer->steps());
        optimizer = std::move(next);
      }
    }
    return p.detach();
  };
  CHECK(gloss_test::same_bits(run(true), run(false)));
}

TEST_CASE("optimizers: a float's count of steps goes on beyond 2^24, and is restored by filling it") {
  auto p = ones<float>({1}).requires_grad_();
  optim::Adam<float> adam({p});
  auto count = adam.state()[2].second;
  CHECK(adam.state()[2].first == "0.step");
  p.set_grad(ones<float>({1}));
  adam.step();
  CHECK(count.item() == 1);
  count.fill_(16777215);
  for (int i = 0; i < 5; ++i) adam.step();
  CHECK(count.item() == 16777220);
  count.fill_(7);
  adam.step();
  CHECK(count.item() == 8);
}

TEST_CASE("optimizers: options out of range and tensors that are no leaves are named") {
  using Adam = optim::Adam<double>;
  using SGD = optim::SGD<double>;
  const auto p = leaf({2});
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  for (const auto& [value, text] : {std::pair(-1.0, "-1"), std::pair(nan, "nan"), std::pair(inf, "inf")}) {
    const std::string says = std::string(" ") + text + " is not a finite number of at least 0";
    CHECK_ERROR(Adam({p}, {.lr = value}), Error, "optimizer: learning rate" + says);
    CHECK_ERROR(Adam({p}, {.eps = value}), Error, "Adam: eps" + says);
    CHECK_ERROR(Adam({p}, {.weight_decay = value}), Error, "Adam: weight_decay" + says);
    CHECK_ERROR(optim::AdamW<double>({p}, {.weight_decay = value}), Error, "Adam: weight_decay" + says);
    CHECK_ERROR(SGD({p}, {.lr = value}), Error, "optimizer: learning rate" + says);
    CHECK_ERROR(SGD({p}, {.momentum = value}), Error, "SGD: momentum" + says);
    CHECK_ERROR(SGD({p}, {.weight_decay = value}), Error, "SGD: weight_decay" + says);
    SGD sgd({p}, {.lr = 0.5});
    CHECK_ERROR((sgd.set_lr(value), 0), Error, "optimizer: learning rate" + says);
    optim::LambdaLR schedule(sgd, [value = value](Index step) { return step == 0 ? 1 : value * 2; });
    CHECK_THROWS_AS(schedule.step(), Error);
    CHECK(sgd.lr() == 0.5);
  }
  CHECK_ERROR(Adam({p}, {.betas = {nan, 0.9}}), Error, "Adam: beta nan is not in [0, 1)");
  CHECK_ERROR(SGD({p}, {.momentum = 0.9, .dampening = nan}), Error, "SGD: dampening nan is not a finite number");
  CHECK_ERROR(SGD({p}, {.momentum = 0.9, .dampening = -inf}), Error, "SGD: dampening -inf is not a finite number");
  CHECK_NOTHROW(SGD({p}, {.momentum = 0.9, .dampening = -1}));
  CHECK_ERROR(Adam({p}, {.betas = {0.9, 1}}), Error, "Adam: beta 1 is not in [0, 1)");
  CHECK_ERROR(Adam({p, p * 2}), GradError, "optimizer: parameter 1 is not a leaf");
  CHECK_ERROR(SGD({ones<double>({2})}), GradError, "optimizer: no parameter requires a gradient");
  CHECK_ERROR(SGD({p}, {.nesterov = true}), Error, "SGD: nesterov needs a momentum and no dampening");
  CHECK_ERROR(SGD({p}, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}), Error,
              "SGD: nesterov needs a momentum and no dampening");
}

TEST_CASE("optimizers: options out of range of the others are named, too") {
  const auto p = leaf({2, 2});
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_ERROR(optim::RMSprop<double>({p}, {.alpha = 1}), Error, "RMSprop: alpha 1 is not in [0, 1)");
  CHECK_ERROR(optim::RMSprop<double>({p}, {.eps = -1}), Error, "RMSprop: eps -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::RMSprop<double>({p}, {.weight_decay = inf}), Error,
              "RMSprop: weight_decay inf is not a finite number of at least 0");
  CHECK_ERROR(optim::RMSprop<double>({p}, {.momentum = -1}), Error,
              "RMSprop: momentum -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::Adagrad<double>({p}, {.lr_decay = -1}), Error,
              "Adagrad: lr_decay -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::Adagrad<double>({p}, {.initial_accumulator_value = -1}), Error,
              "Adagrad: initial_accumulator_value -1 is not a finite number of at least 0");
  CHECK_ERROR(optim::Lion<double>({p}, {.betas = {0.9, 1}}), Error, "Lion: beta 1 is not in [0, 1)");
  CHECK_ERROR(optim::Lamb<double>({p}, {.betas = {-1, 0}}), Error, "Lamb: beta -1 is not in [0, 1)");
  CHECK_ERROR(optim::Muon<double>({p}, {.momentum = 1}), Error, "Muon: momentum 1 is not in [0, 1)");
  CHECK_ERROR(optim::Muon<double>({p}, {.ns_coefficients = {1, inf, 0}}), Error,
              "Muon: ns_coefficient inf is not a finite number");
  CHECK_ERROR(optim::Muon<double>({p}, {.ns_steps = 100}), Error, "Muon: ns_steps 100 is not in [0, 100)");
  CHECK_ERROR(optim::ScheduleFreeAdamW<double>({p}, {.betas = {0, 0.9}}), Error,
              "ScheduleFreeAdamW: the first beta must not be 0");
  CHECK_ERROR(optim::ScheduleFreeAdamW<double>({p}, {.warmup_steps = -1}), Error,
              "ScheduleFreeAdamW: warmup_steps -1 is negative");
  optim::Lion<double> lion({p});
  lion.state()[0].second.fill_(1);
  p.set_grad(ones<double>({2, 2}));
  CHECK_ERROR((lion.step(), 0), Error, "Lion: parameter 0 has averages, but its step is 0: restore the whole state");
}

TEST_CASE("optimizers: a parameter that is there twice is named; a tied one is in parameters() once") {
  const auto p = leaf({2}), q = leaf({2});
  CHECK_ERROR(optim::Adam<double>({p, q, p}), Error, "optimizer: parameters 0 and 2 are the same");
  CHECK_ERROR(optim::SGD<double>({q, p, p}), Error, "optimizer: parameters 1 and 2 are the same");
  CHECK_ERROR(optim::AdamW<double>({p, p}), Error, "optimizer: parameters 0 and 1 are the same");
  nn::Linear<double> a(2, 2);
  nn::Linear<double> b(2, 2);
  b.weight.tie(a.weight);
  const nn::Sequential both(std::move(a), std::move(b));
  CHECK(optim::SGD<double>(both.parameters()).parameters().size() == 3);
}

TEST_CASE("SGD: a momentum that was filled by hand counts, with or without its step") {
  for (const bool fills_step : {false, true}) {
    INFO("the step is filled: " << fills_step);
    auto p = leaf({2});
    optim::SGD<double> sgd({p}, {.lr = 1, .momentum = 0.5, .dampening = 0.25});
    auto state = sgd.state();
    CHECK(state[0].first == "0.momentum");
    state[0].second.fill_(8);
    if (fills_step) state[1].second.fill_(3);
    p.set_grad(ones<double>({2}));
    sgd.step();
    CHECK(values(p) == std::vector<double>{1 - 4.75, 1 - 4.75});  // b = 0.5 * 8 + 0.75
    CHECK(state[1].second.item() == (fills_step ? 4 : 1));
    p.set_grad(zeros<double>({2}));
    sgd.step();
    CHECK(state[0].second.at({0}) == 2.375);
  }
}

TEST_CASE("optimizers: a state that is only half restored is an error at the next step, which then changes nothing") {
  auto p = leaf({2}), q = leaf({2});
  optim::Adam<double> adam({p, q});
  auto state = adam.state();
  for (auto& parameter : {p, q}) parameter.set_grad(ones<double>({2}));
  CHECK(state[4].first == "1.exp_avg_sq");
  state[4].second.fill_(0.5);
  CHECK_ERROR(adam.step(), Error, "Adam: parameter 1 has averages, but its step is 0: restore the whole state");
  CHECK(values(p) == std::vector<double>{1, 1});
  CHECK(adam.steps() == 0);
  CHECK(state[2].second.item() == 0);
  for (const double wrong : {-1.0, 0.5, std::nan(""), 1e300}) {
    state[5].second.fill_(wrong);
    CHECK_THROWS_AS(adam.step(), Error);
  }
  state[5].second.fill_(-1);
  CHECK_ERROR(adam.step(), Error, "optimizer: the step count of parameter 1 is -1");
  CHECK(values(p) == std::vector<double>{1, 1});
  state[5].second.fill_(7);
  adam.step();
  CHECK(state[5].second.item() == 8);
  CHECK(state[2].second.item() == 1);
}

TEST_CASE("optimizers: load_state takes a whole state, or names what does not fit and changes nothing") {
  const auto make = [] {
    auto adam = std::make_unique<optim::Adam<double>>(std::vector{leaf({2}), leaf({3})});
    for (auto& p : adam->parameters()) p.set_grad(ones<double>(p.shape()));
    return adam;
  };
  const auto from = make(), to = make();
  from->step();
  const auto whole = from->state();
  const auto unchanged = [&] {
    for (const auto& [name, tensor] : to->state())
      for (const double v : values(tensor)) CHECK(v == 0);
  };
  auto part = whole;
  part.pop_back();
  CHECK_ERROR(to->load_state(part), LoadError, "load_state: 1.step is missing");
  unchanged();
  part = whole;
  part[3].second = ones<double>({2});
  CHECK_ERROR(to->load_state(part), LoadError, "load_state: 1.exp_avg has shape [2], the optimizer's has [3]");
  unchanged();
  part = whole;
  part[5].first = "2.step";
  CHECK_ERROR(to->load_state(part), LoadError, "load_state: the optimizer has no 2.step");
  unchanged();
  part = whole;
  part.push_back(whole[0]);
  CHECK_ERROR(to->load_state(part), LoadError, "load_state: 0.exp_avg is there twice");
  unchanged();
  part = whole;
  std::swap(part[0], part[5]);
  to->load_state(part);
  const auto now = to->state();
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(gloss_test::same_bits(now[i].second, whole[i].second));
  CHECK_FALSE(now[0].second.is_same(whole[0].second));
  optim::SGD<double> plain({leaf({2})});
  plain.load_state({});
  CHECK_ERROR(plain.load_state(whole), LoadError, "load_state: the optimizer has no 0.exp_avg");
}

TEST_CASE("rate: is the paper's formula; step 0 counts as 1; the peak is at the end of the warm-up") {
  for (const Index step : {0, 1, 2, 399, 400, 401, 20000}) {
    const double s = step == 0 ? 1 : static_cast<double>(step);
    CHECK(optim::rate(step, 512, 2, 400) ==
          Approx(2 * std::pow(512.0, -0.5) * std::min(std::pow(s, -0.5), s * std::pow(400.0, -1.5))).epsilon(1e-14));
  }
  CHECK_ERROR(optim::rate(1, 0, 1, 400), Error, "rate: d_model 0 and warmup 400 must be positive");
  CHECK_ERROR(optim::rate(1, 512, 1, 0), Error, "rate: d_model 512 and warmup 0 must be positive");
  CHECK(optim::rate(399, 512, 1, 400) < optim::rate(400, 512, 1, 400));
  CHECK(optim::rate(401, 512, 1, 400) < optim::rate(400, 512, 1, 400));
}

TEST_CASE("LambdaLR: scales the base rate by the function of the steps so far") {
  auto p = leaf({1});
  optim::SGD<double> sgd({p}, {.lr = 0.5});
  optim::LambdaLR schedule(sgd, [](Index step) { return 1.0 / static_cast<double>(step + 1); });
  CHECK(sgd.lr() == 0.5);
  schedule.step();
  CHECK(sgd.lr() == 0.25);
  schedule.step();
  CHECK(schedule.steps() == 2);
  CHECK(schedule.lr() == Approx(0.5 / 3));
  schedule.set_steps(9);
  CHECK(sgd.lr() == Approx(0.05));
}

TEST_CASE("LambdaLR: a second schedule scales the rate that the first began with") {
  auto p = leaf({1});
  optim::SGD<double> sgd({p}, {.lr = 0.75});
  sgd.set_lr(0.5);  // before any schedule: this is the base
  const auto half = [](Index) { return 0.5; };
  for (int i = 0; i < 3; ++i) {
    const optim::LambdaLR schedule(sgd, half);
    CHECK(sgd.lr() == 0.25);
  }
  const optim::LambdaLR other(sgd, [](Index) { return 3; });
  CHECK(sgd.lr() == 1.5);
  CHECK(sgd.initial_lr() == 0.5);
}

TEST_CASE("clip_grad_norm_: gives the norm before and scales as PyTorch does, down only") {
  std::vector<Tensor<double>> parameters = {leaf({4, 3}), leaf({2}), leaf({7})};  // the last has no gradient
  const auto fill = [&] {
    parameters[0].set_grad(golden().tensor<double>("clip/in0"));
    parameters[1].set_grad(golden().tensor<double>("clip/in1"));
  };
  fill();
  const double norm = golden().tensor<double>("clip/norm").item();
  CHECK(optim::clip_grad_norm_(parameters, 1.0) == Approx(norm).epsilon(1e-14));
  CHECK(difference(parameters[0].grad(), golden().tensor<double>("clip/out0")) < 1e-14);
  CHECK(difference(parameters[1].grad(), golden().tensor<double>("clip/out1")) < 1e-14);
  CHECK_FALSE(parameters[2].grad().defined());
  fill();
  CHECK(optim::clip_grad_norm_(parameters, 1e9) == Approx(norm).epsilon(1e-14));
  CHECK(gloss_test::same_bits(parameters[0].grad(), golden().tensor<double>("clip/in0")));
}

TEST_CASE("grad_norm: of all gradients, as PyTorch has it; of none 0") {
  const std::vector<Tensor<double>> parameters = {leaf({4, 3}), leaf({2}), leaf({7})};
  CHECK(optim::grad_norm(parameters) == 0);
  parameters[0].set_grad(golden().tensor<double>("clip/in0"));
  parameters[1].set_grad(golden().tensor<double>("clip/in1"));
  CHECK(optim::grad_norm(parameters) == Approx(golden().tensor<double>("clip/norm").item()).epsilon(1e-14));
}

TEST_CASE("clip_grad_value_: bounds each element, and NaN stays, as in PyTorch; a bad bound is refused") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const Tensor<double> p = leaf({5}), without = leaf({2});
  p.set_grad(Tensor<double>{-3, -0.5, 0.75, inf, nan});
  optim::clip_grad_value_(std::vector{p, without}, 0.75);
  CHECK(gloss_test::same_bits(p.grad(), Tensor<double>{-0.75, -0.5, 0.75, 0.75, nan}));
  CHECK_FALSE(without.grad().defined());
  CHECK_ERROR(optim::clip_grad_value_(std::vector{p}, -1), Error,
              "clip_grad_value_: max_value -1 is not a number of at least 0");
}

TEST_CASE("clip_grad_norm_: bounds and norms that are no numbers, as PyTorch takes them; a bad bound is refused") {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const Tensor<double> p = leaf({2});
  const auto clipped = [&](double a, double b, double max_norm) {
    p.set_grad(Tensor<double>{a, b});
    optim::clip_grad_norm_(std::vector{p}, max_norm);
    return values(p.grad());
  };
  CHECK(clipped(1, 2, inf) == std::vector<double>{1, 2});
  CHECK(clipped(3, 4, 0) == std::vector<double>{0, 0});
  CHECK(clipped(0, 0, 0) == std::vector<double>{0, 0});
  CHECK(clipped(1, inf, 1)[0] == 0);
  CHECK(std::isnan(clipped(1, inf, 1)[1]));
  CHECK(std::isnan(clipped(1, nan, 1)[0]));
  CHECK(std::isnan(clipped(1, inf, inf)[0]));
  CHECK_ERROR(clipped(3, 4, -1), Error, "clip_grad_norm_: max_norm -1 is not a number of at least 0");
  CHECK_ERROR(clipped(3, 4, nan), Error, "clip_grad_norm_: max_norm nan is not a number of at least 0");
}
