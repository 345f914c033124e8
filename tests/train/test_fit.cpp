// The loop: what it computes, and each of its options
#include <csignal>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/io/module_file.hpp>
#include <gloss/nn/parameter_vector.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/schedule_free_adamw.hpp>
#include <gloss/optim/schedules/cosine_annealing_lr.hpp>
#include <gloss/optim/schedules/step_lr.hpp>
#include <gloss/optim/schedules/warmup_lr.hpp>
#include <gloss/optim/sgd.hpp>
#include <gloss/tensor/storage.hpp>
#include <gloss/train/fit.hpp>
#include <gloss/train/fit_options.hpp>
#include <gloss/train/fit_report.hpp>
#include <gloss/train/fit_run.hpp>
#include <gloss/train/pass.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::bits_of;
using gloss_test::draw_points;
using gloss_test::in_batches;
using gloss_test::SmallNet;
using gloss_test::squared_error;
using Points = gloss_test::Points<float>;
using Batches = std::vector<Points>;

namespace {

SmallNet<float> net(std::uint64_t seed = 1, double dropout = 0) {
  Rng rng(seed);
  const RngGuard use(rng);
  return SmallNet<float>(dropout);
}
/// Batches of 8 points.
Batches batches_of(Index n) {
  return in_batches(draw_points<float>(8 * n, 3), std::vector<Index>(static_cast<std::size_t>(n), 8));
}

/// fit with a model and an optimizer of its own; returns the model's bits.
struct Run {
  Rng rng{7};
  SmallNet<float> model = net();
  optim::SGD<float> sgd{model.parameters(), {.lr = 0.05}};

  template <class B>
  train::FitReport fit(const B& batches, train::FitOptions<float> options) {
    const RngGuard use(rng);
    return train::fit(model, sgd, batches, squared_error, std::move(options));
  }
};

}  // namespace

TEST_CASE("fit: it is the loop that one writes by hand, bit for bit") {
  const Batches batches = batches_of(5);
  const auto train_by = [&](bool by_hand) {
    Rng rng(2);
    const RngGuard use(rng);
    SmallNet<float> model = net(1, 0.2);
    optim::AdamW<float> adam(model.parameters(), {.lr = 0.03});
    optim::WarmupLR<optim::CosineAnnealingLR<float>> schedule({adam, {.T_max = 12}}, {.steps = 3});
    train::WeightAverage<float> ema(model, {.decay = 0.7});
    if (by_hand) {
      for (int epoch = 0; epoch < 3; ++epoch)
        for (const Points& b : batches) {
          mse_loss(model(b.x), b.y).backward();
          optim::clip_grad_value_(model.parameters(), 0.4);
          optim::clip_grad_norm_(model.parameters(), 0.5);
          adam.step();
          adam.zero_grad();
          schedule.step();
          ema.update();
        }
    } else {
      const auto report =
          train::fit(model, adam, batches, squared_error,
                     {.epochs = 3, .clip_norm = 0.5, .clip_value = 0.4, .schedule = &schedule, .average = &ema});
      CHECK(report.step == 15);
      CHECK(report.epoch == 3);
      CHECK(report.stop == train::Stop::epochs);
      CHECK(report.values("epoch", "loss").size() == 3);
    }
    CHECK(schedule.steps() == 15);
    CHECK_FALSE(model.parameters()[0].grad().defined());
    const std::string last = bits_of(model);
    const auto averaged = ema.swap_in();
    return last + bits_of(model);
  };
  CHECK(train_by(true) == train_by(false));
}

TEMPLATE_TEST_CASE("fit: micro-batches of any sizes give what one batch gives", "", float, double) {
  using T = TestType;
  const gloss_test::Points<T> all = draw_points<T>(24, 3);
  const auto counted = [](const auto& model, const auto& b) {
    return train::BatchLoss(mse_loss(model(b.x), b.y), b.x.size(0));
  };
  const auto result = [&](const std::vector<Index>& sizes, Index accumulate) {
    Rng rng(1);
    const RngGuard use(rng);
    SmallNet<T> model;
    optim::SGD<T> sgd(model.parameters(), {.lr = 0.1, .momentum = 0.9});
    std::vector<double> losses;
    const auto report =
        train::fit(model, sgd, in_batches(all, sizes), counted,
                   {.epochs = 4, .accumulate = accumulate, .clip_norm = 0.3, .loggers = {[&](const train::Event& e) {
                                                                               if (e.phase == "train")
                                                                                 losses.push_back(e.values[0].second);
                                                                             }}});
    CHECK(report.step == 4);
    return std::pair(nn::parameters_to_vector(model.parameters()), losses);
  };
  const auto [weights, losses] = result({24}, 1);
  const double bound = std::is_same_v<T, float> ? 1e-6 : 1e-12;
  for (const auto& sizes : std::vector<std::vector<Index>>{{12, 12}, {3, 14, 7}, {1, 2, 8, 13}, {23, 1}}) {
    const auto [others, their_losses] = result(sizes, static_cast<Index>(sizes.size()));
    CHECK(gloss_test::difference(others, weights) < bound);
    for (std::size_t i = 0; i < losses.size(); ++i) CHECK(their_losses[i] == Approx(losses[i]).epsilon(bound));
  }
  const auto [smaller, unused] = result({10, 14}, 5);  // the last group of an epoch is smaller
  CHECK(gloss_test::difference(smaller, weights) < bound);
}

TEST_CASE("fit: a batch that counts nothing has no part in a step, even if its loss is NaN") {
  const Batches batches = batches_of(2);
  const auto result = [&](bool with_empty) {
    Run run;
    Batches some = batches;
    if (with_empty) some.insert(some.begin() + 1, Points{zeros<float>({0, 3}), zeros<float>({0, 1})});
    const auto loss = [](const auto& m, const Points& b) {
      return train::BatchLoss(mse_loss(m(b.x), b.y), b.x.size(0));
    };
    train::fit(run.model, run.sgd, some, loss, {.epochs = 1, .accumulate = with_empty ? 3 : 2});
    return bits_of(run.model);
  };
  CHECK(result(true) == result(false));
  Run run;
  const auto nothing = [](const auto& m, const Points& b) { return train::BatchLoss(mse_loss(m(b.x), b.y), 0); };
  CHECK_ERROR(train::fit(run.model, run.sgd, batches, nothing, {.max_steps = 3}), Error,
              "fit: no batch of epoch 0 counts anything");
}

namespace {

/// All that a checkpoint of fit keeps, over shuffled batches; it stops after `stop` steps, by the flag or an exception.
struct Whole {
  enum How { never, flag, exception };
  std::string path;
  Index accumulate = 1, validate_every = 0, save_every = 0, max_steps = 0;

  train::FitReport operator()(bool resume, How how = never, Index stop = 0, std::uint64_t seed = 5) const {
    Rng rng(seed);
    const RngGuard use(rng);
    SmallNet<float> model(0.3);
    optim::AdamW<float> adam(model.parameters(), {.lr = 0.02});
    optim::CosineAnnealingLR<float> schedule(adam, {.T_max = 30});
    optim::ReduceLROnPlateau<float> plateau(adam, {.patience = 0});
    train::WeightAverage<float> ema(model, {.decay = 0.9});
    gloss_test::Shuffled<float> batches(batches_of(5));
    const auto held_out = in_batches(draw_points<float>(8, 9), {8});
    Index own = 0;
    train::Checkpoint checkpoint(path, {.keep_last = 2});
    checkpoint.add("own", own);
    return train::fit(model, adam, batches, squared_error,
                      {.epochs = 3,
                       .max_steps = max_steps,
                       .accumulate = accumulate,
                       .clip_norm = 1,
                       .before_step = [&](Index) { ++own; },
                       .schedule = &schedule,
                       .average = &ema,
                       .validate = [&] { return train::evaluate(model, held_out, squared_error); },
                       .validate_every = validate_every,
                       .monitor = {.patience = 40},
                       .plateau = &plateau,
                       .checkpoint = checkpoint,
                       .resume = resume,
                       .save_every = save_every,
                       .loggers = {[&](const train::Event& e) {
                         if (e.phase != "train" || e.step != stop) return;
                         if (how == flag) train::StopFlag::raise();
                         if (how == exception) throw Error("killed");
                       }}});
  }
};

}  // namespace

TEST_CASE("fit: stopped after any step and resumed it ends with the file of a run that was not stopped") {
  for (const auto& [accumulate, validate_every] : {std::pair(1, 0), {2, 0}, {1, 4}}) {
    const TempFolder folder;
    const Whole whole{folder.file("whole.st"), accumulate, validate_every};
    const auto report = whole(false);
    const std::string expected = read_file(whole.path);
    CHECK(report.values("validation", "loss").size() == (validate_every ? 4 : 3));
    for (Index stop = 1; stop <= report.step; ++stop) {
      INFO("accumulate " << accumulate << ", validate_every " << validate_every << ", stop after step " << stop);
      const Whole stopped{folder.file("stopped.st"), accumulate, validate_every};
      const auto first = stopped(false, Whole::flag, stop);
      CHECK(first.stop == train::Stop::flag);
      CHECK(first.step == stop);
      const auto second = stopped(true, Whole::never, 0, 999);
      CHECK(second.step == report.step);
      CHECK(read_file(stopped.path) == expected);
      CHECK(second.values("epoch", "loss") == report.values("epoch", "loss"));
      CHECK(second.values("validation", "loss") == report.values("validation", "loss"));
    }
    whole(true);  // what is over stays so
    CHECK(read_file(whole.path) == expected);
  }
}

TEST_CASE("fit: stopped behind the last batch of an epoch, where max_steps ends the run, it ends the epoch as well") {
  for (const Index validate_every : {0, 4, 10}) {
    const TempFolder folder;
    const Whole whole{folder.file("whole.st"), 1, validate_every, 0, 10};
    whole(false);
    for (const Index stop : {9, 10}) {
      const Whole stopped{folder.file("stopped.st"), 1, validate_every, 0, 10};
      CHECK(stopped(false, Whole::flag, stop).stop == train::Stop::flag);
      const auto second = stopped(true);
      CHECK(second.stop == train::Stop::max_steps);
      CHECK(second.epoch == 2);
      CHECK(read_file(stopped.path) == read_file(whole.path));
    }
  }
}

TEST_CASE("fit: killed after any step and resumed from the last file it ends with the same one") {
  const TempFolder folder;
  const Whole whole{.path = folder.file("whole.st"), .save_every = 2};
  whole(false);
  const std::string expected = read_file(whole.path);
  for (Index stop = 1; stop <= 15; stop += 2) {
    const Whole stopped{.path = folder.file("stopped.st"), .save_every = 2};
    CHECK_ERROR(stopped(false, Whole::exception, stop), Error, "killed");
    CHECK_ERROR(stopped(true, Whole::exception, stop + 3 < 15 ? stop + 3 : 15, 77), Error, "killed");
    stopped(true);
    INFO("killed after step " << stop);
    CHECK(read_file(stopped.path) == expected);
  }
  CHECK(std::filesystem::exists(folder.path / "whole.step14.st"));
  CHECK_FALSE(std::filesystem::exists(folder.path / "whole.step10.st"));
}

TEST_CASE("fit: a checkpoint of other data or another model is refused, and nothing is changed") {
  const TempFolder folder;
  const std::string path = folder.file("run.st");
  Run run;
  run.fit(batches_of(4), {.max_steps = 3, .checkpoint = path});
  Run other;
  const std::string before = bits_of(other.model);
  CHECK_ERROR(other.fit(batches_of(2), {.epochs = 1, .checkpoint = path, .resume = true}), Error,
              "fit: the data has 2 batches, and the checkpoint has 3 of them behind it");
  Rng rng;
  const RngGuard use(rng);
  nn::Linear<float> linear(3, 1);
  optim::SGD<float> sgd(linear.parameters(), {.lr = 0.1});
  const std::string bits = bits_of(linear);
  CHECK_THROWS_AS(
      train::fit(linear, sgd, batches_of(4), squared_error, {.epochs = 1, .checkpoint = path, .resume = true}),
      LoadError);
  CHECK(bits_of(linear) == bits);
}

TEST_CASE("fit: it ends with epochs, steps, or time, whichever comes first") {
  const Batches batches = batches_of(4);
  Run run;
  const auto steps = run.fit(batches, {.epochs = 9, .max_steps = 6});
  CHECK(steps.stop == train::Stop::max_steps);
  CHECK(steps.step == 6);
  CHECK(steps.epoch == 1);
  const auto exact = run.fit(batches, {.max_steps = 8});  // the end of an epoch
  CHECK(exact.epoch == 2);
  CHECK(exact.values("epoch", "loss").size() == 2);
  const auto time = run.fit(batches, {.max_seconds = 1e-9});
  CHECK(time.stop == train::Stop::max_seconds);
  CHECK(time.step == 0);
  CHECK(run.fit(batches, {.epochs = 2}).stop == train::Stop::epochs);
}

TEST_CASE("fit: a schedule steps by step or by epoch; before_step sees clipped gradients and may change them") {
  const Batches batches = batches_of(4);
  {
    Run run;
    optim::StepLR<float> schedule(run.sgd, {.step_size = 1, .gamma = 0.5});
    run.fit(batches, {.epochs = 2, .schedule = &schedule, .schedule_by_epoch = true});
    CHECK(run.sgd.lr() == 0.05 / 4);
    CHECK(schedule.steps() == 2);
  }
  Run run;
  const std::string before = bits_of(run.model);
  std::vector<Index> steps;
  run.fit(batches, {.epochs = 1, .clip_norm = 1e-3, .before_step = [&](Index step) {
                      steps.push_back(step);
                      CHECK(optim::grad_norm(run.model.parameters()) <= 1.001e-3);
                      for (const auto& p : run.model.parameters()) p.set_grad(zeros<float>(p.shape()));
                    }});
  CHECK(steps == std::vector<Index>{0, 1, 2, 3});
  CHECK(bits_of(run.model) == before);
}

TEST_CASE("fit: validation has the averaged weights and evaluation, and draws nothing from the training's stream") {
  const Batches batches = batches_of(3);
  const auto train_with = [&](bool validates) {
    Rng rng(3);
    const RngGuard use(rng);
    SmallNet<float> model = net(1, 0.4);
    optim::SGD<float> sgd(model.parameters(), {.lr = 0.1});
    train::WeightAverage<float> ema(model, {.decay = 0.5});
    train::FitOptions<float> options{.epochs = 2, .average = &ema};
    std::string last;
    int calls = 0;
    if (validates) {
      options.before_step = [&](Index) { last = bits_of(model); };
      options.validate = [&]() -> train::Scalars {
        ++calls;
        CHECK_FALSE(model.is_training());
        CHECK_FALSE(is_grad_enabled());
        CHECK(bits_of(model) != last);
        CHECK_ERROR(ema.swap_in(), Error, "WeightAverage: swap_in() while the average is in the model");
        rand<float>({100});
        return {{"loss", 1}, {"accuracy", 0.5}};
      };
      options.validate_every = 2;
    }
    const auto report = train::fit(model, sgd, batches, squared_error, options);
    CHECK(calls == (validates ? 3 : 0));
    if (validates) CHECK(report.values("validation", "accuracy") == std::vector<double>{0.5, 0.5, 0.5});
    CHECK(model.is_training());
    return bits_of(model);
  };
  CHECK(train_with(true) == train_with(false));
}

TEST_CASE("fit: Schedule-Free AdamW is validated with its averages and saved with its state") {
  const TempFolder folder;
  Rng rng(3);
  const RngGuard use(rng);
  SmallNet<float> model = net();
  optim::ScheduleFreeAdamW<float> optimizer(model.parameters(), {.lr = 0.01});
  std::string in_validation, in_step;
  train::fit(model, optimizer, batches_of(3), squared_error,
             {.epochs = 2,
              .before_step = [&](Index) { in_step = bits_of(model); },
              .validate = [&]() -> train::Scalars {
                in_validation = bits_of(model);
                return {{"loss", 1}};
              },
              .checkpoint = folder.file("run.st")});
  CHECK(in_validation != bits_of(model));
  optimizer.eval();
  CHECK(in_validation == bits_of(model));
}

TEST_CASE("fit: patience, the best model and a plateau follow the monitored value") {
  const TempFolder folder;
  Run run;
  optim::ReduceLROnPlateau<float> plateau(run.sgd, {.maximize = true, .factor = 0.5, .patience = 0});
  const std::vector<double> accuracies = {0.5, 0.7, 0.6, 0.71, 0.65, 0.66, 0.9};
  std::size_t call = 0;
  std::string best;
  const auto report = run.fit(batches_of(2), {.epochs = 7,
                                              .validate = [&]() -> train::Scalars {
                                                if (call == 1) best = bits_of(run.model);
                                                return {{"loss", 1}, {"accuracy", accuracies[call++]}};
                                              },
                                              .monitor = {.name = "accuracy",
                                                          .maximize = true,
                                                          .patience = 4,
                                                          .min_delta = 0.05,
                                                          .best_path = folder.file("best.st")},
                                              .plateau = &plateau});
  CHECK(report.stop == train::Stop::patience);
  CHECK(report.epoch == 6);
  CHECK(report.best == 0.7);
  CHECK(run.sgd.lr() == 0.05 / 8);  // after the third, fifth and sixth
  SmallNet<float> loaded;
  io::load(loaded, folder.file("best.st"));
  CHECK(bits_of(loaded) == best);
  const io::Metadata metadata = io::load_safetensors(folder.file("best.st")).metadata();
  CHECK(metadata.at("accuracy") == "0.7");
  CHECK(metadata.at("step") == "4");
  CHECK_ERROR(run.fit(batches_of(2), {.epochs = 1,
                                      .validate =
                                          [] {
                                            return train::Scalars{{"loss", 1}, {"f1", 1}};
                                          },
                                      .monitor = {.name = "accuracy"}}),
              Error, "fit: monitor is 'accuracy', and validate() gave loss, f1");
}

TEST_CASE("fit: epochs of different numbers of batches, stopped anywhere") {
  const Batches all = batches_of(5);
  struct Growing {  // one batch in the first epoch, two in the next, ...
    const Batches* all;
    std::size_t n = 0;
    void set_epoch(Index epoch) { n = static_cast<std::size_t>(epoch) + 1; }
    std::size_t size() const { return n; }
    auto begin() const { return all->begin(); }
    auto end() const { return all->begin() + static_cast<std::ptrdiff_t>(n); }
  };
  const TempFolder folder;
  const auto run = [&](const std::string& path, Index stop, bool resume) {
    Run r;
    const RngGuard use(r.rng);
    std::vector<Index> batches;
    const auto watch = [&](const train::Event& e) {
      if (e.phase == "train") batches.push_back(e.batches);
      if (e.phase == "train" && e.step == stop) train::StopFlag::raise();
    };
    Growing growing{&all};
    const auto report =
        train::fit(r.model, r.sgd, growing, squared_error,
                   {.epochs = 4, .max_steps = 9, .checkpoint = path, .resume = resume, .loggers = {watch}});
    return std::pair(report, batches);
  };
  const auto [whole, batches] = run(folder.file("whole.st"), 0, false);
  CHECK(batches == std::vector<Index>{1, 2, 2, 3, 3, 3, 4, 4, 4});
  CHECK((whole.epoch == 3 && whole.batch == 3 && whole.stop == train::Stop::max_steps));
  for (Index stop = 1; stop < 10; ++stop) {
    const auto stopped = run(folder.file("stopped.st"), stop, false).first;
    INFO("stopped after step " << stop);
    const Index before[] = {0, 0, 1, 1, 3, 3, 3, 6, 6, 6};  // steps of the epochs that are over
    CHECK(stopped.batch == stop - before[stop]);
    run(folder.file("stopped.st"), 0, true);
    CHECK(read_file(folder.file("stopped.st")) == read_file(folder.file("whole.st")));
  }
}

TEST_CASE("fit: events say where it stands") {
  Run run;
  std::vector<train::Event> events;
  const auto counted = [](const auto& m, const Points& b) {
    return train::BatchLoss(mse_loss(m(b.x), b.y), b.x.size(0));
  };
  train::fit(run.model, run.sgd, batches_of(5), counted,
             {.epochs = 2,
              .accumulate = 2,
              .validate =
                  [] {
                    return train::Scalars{{"loss", 0.5}};
                  },
              .loggers = {[&](const train::Event& e) { events.push_back(e); }},
              .log_every = 2});
  std::string phases;
  for (const auto& e : events) phases += e.phase.substr(0, 1);
  CHECK(phases == "tevttev");
  const train::Event &step = events[0], &epoch = events[1], &last = events[4];
  CHECK((step.step == 2 && step.epoch == 0 && step.batch == 4 && step.batches == 5 && step.steps == 6));
  CHECK(step.items == 32);
  REQUIRE(step.values.size() == 3);
  CHECK((step.values[0].first == "loss" && step.values[1].first == "lr" && step.values[2].first == "grad_norm"));
  CHECK(*step.find("lr") == 0.05);
  CHECK((epoch.step == 3 && epoch.epoch == 1 && epoch.items == 40 && epoch.seconds >= step.seconds));
  CHECK((last.step == 6 && last.epoch == 1 && last.batch == 5 && last.items == 80));
}

TEST_CASE("fit: a loss that is NaN stops before it reaches the weights, which are as after the last step") {
  const TempFolder folder;
  const Batches batches = batches_of(5);
  Run run;
  std::string before;
  int calls = 0;
  const auto loss = [&](const auto& m, const Points& b) {
    const Tensor<float> l = squared_error(m, b);
    before = bits_of(m);
    return ++calls == 3 ? l / 0 - l / 0 : l;
  };
  CHECK_ERROR(train::fit(run.model, run.sgd, batches, loss, {.epochs = 1, .checkpoint = folder.file("run.st")}),
              train::DivergedError, "fit: step 3: the loss is nan; the model is as after step 2");
  CHECK(bits_of(run.model) == before);
  CHECK_FALSE(run.model.parameters()[0].grad().defined());

  const auto steep = [](const auto& m, const Points& b) { return sqrt(squared_error(m, b) * 0); };
  try {
    train::fit(run.model, run.sgd, batches, steep, {.epochs = 1});
    FAIL("nothing was thrown");
  } catch (const train::DivergedError& error) {
    CHECK(std::string(error.quantity) == "the norm of the gradient");
    CHECK(std::string(error.what()) == "fit: step 1: the norm of the gradient is nan; the model is as after step 0");
  }
  CHECK(bits_of(run.model) == before);
}

TEST_CASE("fit: when a step has spoilt the weights, they come back from the checkpoint") {
  const TempFolder folder;
  const auto diverge = [&](train::FitOptions<float> options) {
    Run run;
    const std::string before = bits_of(run.model);
    options.epochs = 1;
    options.before_step = [&](Index step) {
      if (step == 1) run.model.out.bias.set_grad({INFINITY});
    };
    std::string text;
    try {
      run.fit(batches_of(5), options);
    } catch (const Error& e) {
      text = e.what();
    }
    return std::pair(text, bits_of(run.model) == before);
  };
  const auto [text, is_first] = diverge({.checkpoint = folder.file("run.st")});
  CHECK(text.ends_with("; the model is as it was saved after step 0"));
  CHECK(is_first);
  const auto [without, unused] = diverge({});
  CHECK(without.ends_with("; weights are not finite either, and there is no checkpoint to go back to"));
  {
    Run spoilt;
    const std::string before = bits_of(spoilt.model);
    const auto last = [&](Index step) {
      if (step == 1) spoilt.model.out.bias.set_grad({NAN});
    };
    CHECK_ERROR(
        spoilt.fit(batches_of(2), {.epochs = 1, .before_step = last, .checkpoint = folder.file("last.st")}), Error,
        "fit: step 2: a weight or an average of the optimizer is nan; the model is as it was saved after step 0");
    CHECK(bits_of(spoilt.model) == before);
  }
  Run run;
  const auto spoil = [&](Index) { run.model.out.bias.set_grad({NAN}); };
  const auto report = run.fit(batches_of(5), {.epochs = 1, .before_step = spoil, .stop_on_nan = false});
  CHECK(report.step == 5);
}

TEST_CASE("fit: a signal stops after the step at hand and saves, or is the program's own affair") {
  const TempFolder folder;
  for (const int number : {SIGINT, SIGTERM}) {
    Run run;
    const auto report = run.fit(batches_of(5), {.epochs = 2,
                                                .before_step =
                                                    [&](Index step) {
                                                      if (step == 2) std::raise(number);
                                                    },
                                                .checkpoint = folder.file("run.st")});
    CHECK(report.stop == train::Stop::flag);
    CHECK(report.step == 3);
    Run other;
    const auto rest = other.fit(batches_of(5), {.epochs = 2, .checkpoint = folder.file("run.st"), .resume = true});
    CHECK(rest.step == 10);
    Run whole;
    whole.fit(batches_of(5), {.epochs = 2});
    CHECK(bits_of(whole.model) == bits_of(other.model));
  }
  static int heard = 0;
  auto* const before = std::signal(SIGTERM, [](int) { ++heard; });
  Run run;
  CHECK(
      run.fit(batches_of(2), {.epochs = 1, .before_step = [](Index) { std::raise(SIGTERM); }, .stop_on_signal = false})
          .step == 2);
  CHECK(heard == 2);
  std::signal(SIGTERM, before);
}

TEST_CASE("fit: a few batches are overfitted, and a dry run takes one step; neither writes a file") {
  const TempFolder folder;
  const Batches batches = batches_of(6);
  Run few, same;
  const auto report = few.fit(batches, {.epochs = 3, .checkpoint = folder.file("run.st"), .overfit_batches = 2});
  CHECK(report.step == 6);
  same.fit(Batches(batches.begin(), batches.begin() + 2), {.epochs = 3});
  CHECK(bits_of(few.model) == bits_of(same.model));

  Run dry;
  int validations = 0;
  const auto tried = dry.fit(batches, {.epochs = 100,
                                       .accumulate = 2,
                                       .validate =
                                           [&] {
                                             return ++validations, train::Scalars{{"loss", 1}};
                                           },
                                       .monitor = {.best_path = folder.file("best.st")},
                                       .checkpoint = folder.file("run.st"),
                                       .dry_run = true});
  CHECK(tried.step == 1);
  CHECK(validations == 1);
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("fit: what is thrown on the way leaves a model that can be used") {
  const Batches batches = batches_of(4);
  Run run;
  train::WeightAverage<float> ema(run.model, {.decay = 0.5});
  run.model.out.eval();
  const auto check_sane = [&] {
    CHECK(run.model.is_training());
    CHECK_FALSE(run.model.out.is_training());
    for (const auto& p : run.model.parameters()) CHECK_FALSE(p.grad().defined());
    CHECK_NOTHROW(ema.state());
    CHECK(is_grad_enabled());
  };
  int calls = 0;
  const auto loss = [&](const auto& m, const Points& b) {
    if (++calls == 2) throw std::runtime_error("the data is gone");
    return squared_error(m, b);
  };
  CHECK_THROWS_AS(train::fit(run.model, run.sgd, batches, loss, {.epochs = 1, .accumulate = 4}), std::runtime_error);
  check_sane();
  CHECK_THROWS_AS(
      run.fit(batches, {.epochs = 1, .average = &ema, .validate = []() -> train::Scalars { throw Error("no"); }}),
      Error);
  check_sane();
  CHECK_THROWS_AS(
      run.fit(batches, {.epochs = 1, .average = &ema, .loggers = {[](const train::Event&) { throw Error("no"); }}}),
      Error);
  check_sane();
}

TEST_CASE("fit: the ranges that it takes") {
  const Batches all = batches_of(3);
  struct Numbered {  // tells of each epoch, and not how many batches there are
    const Batches* all;
    std::vector<Index> epochs;
    void set_epoch(Index n) { epochs.push_back(n); }
    auto begin() const { return all->begin(); }
    auto end() const { return all->end(); }
  } numbered{&all, {}};
  Run a, b, c;
  train::fit(a.model, a.sgd, numbered, squared_error, {.epochs = 2});
  CHECK(numbered.epochs == std::vector<Index>{0, 1});
  b.fit(all, {.epochs = 2});
  CHECK(bits_of(a.model) == bits_of(b.model));

  struct Loader {  // can be told where to go on
    struct State {
      Index epoch, batch;
      std::uint64_t order;
    };
    const Batches* all;
    State at{0, 0, 0};
    std::vector<std::pair<Index, Index>> told = {};
    State state() const { return {at.epoch, at.batch, 42}; }
    void load_state(const State& s) {
      if (s.order != 0 && s.order != 42) fail("another order");
      at = s;
      told.emplace_back(s.epoch, s.batch);
    }
    auto begin() const { return all->begin() + at.batch; }
    auto end() const { return all->end(); }
  } loader{&all};
  const TempFolder folder;
  train::fit(c.model, c.sgd, loader, squared_error, {.max_steps = 4, .checkpoint = folder.file("run.st")});
  Run d;
  loader.at = {};
  train::fit(d.model, d.sgd, loader, squared_error, {.epochs = 2, .checkpoint = folder.file("run.st"), .resume = true});
  CHECK(loader.told == std::vector<std::pair<Index, Index>>{{0, 0}, {1, 0}, {1, 1}});
  CHECK(bits_of(d.model) == bits_of(b.model));
}

TEST_CASE("fit: options that make no sense") {
  const auto refuses = [](train::FitOptions<float> options, const std::string& text) {
    Run run;
    CHECK_ERROR(run.fit(batches_of(1), options), Error, text);
  };
  const auto validate = [] { return train::Scalars{{"loss", 1}}; };
  refuses({}, "fit: how long? Set epochs, max_steps or max_seconds");
  refuses({.epochs = -1}, "fit: epochs -1 is negative");
  refuses({.max_steps = -2}, "fit: max_steps -2 is negative");
  refuses({.epochs = 1, .validate_every = -1}, "fit: validate_every -1 is negative");
  refuses({.epochs = 1, .save_every = -1}, "fit: save_every -1 is negative");
  refuses({.epochs = 1, .overfit_batches = -1}, "fit: overfit_batches -1 is negative");
  refuses({.max_seconds = NAN}, "fit: max_seconds nan is not a finite number of at least 0");
  refuses({.epochs = 1, .clip_norm = -1}, "fit: clip_norm -1 is not a finite number of at least 0");
  refuses({.epochs = 1, .clip_value = -1}, "fit: clip_value -1 is not a finite number of at least 0");
  refuses({.epochs = 1, .accumulate = 0}, "fit: accumulate 0 is not positive");
  refuses({.epochs = 1, .log_every = 0}, "fit: log_every 0 is not positive");
  refuses({.epochs = 1, .monitor = {.patience = 2}},
          "fit: plateau, monitor.patience and monitor.best_path want a validation: set validate");
  refuses({.epochs = 1, .resume = true}, "fit: resume wants a checkpoint to go on from");
  CHECK_ERROR(Run().fit(batches_of(1), {.epochs = 1, .validate = validate, .monitor = {.patience = -1}}), Error,
              "EarlyStopping: patience -1 is negative");
  CHECK_ERROR(Run().fit(Batches{}, {.epochs = 1}), Error, "fit: there is no batch in the data");
  CHECK_ERROR(Run().fit(batches_of(1), {.epochs = 1, .checkpoint = "/nowhere/x.st"}), Error,
              "write_file_atomically: /nowhere/x.st: No such file or directory");
  Run run;
  CHECK_ERROR(train::fit(run.model, run.sgd, batches_of(1), [](auto& m, auto& b) { return m(b.x); }, {.epochs = 1}),
              ShapeError, "fit: the loss of a batch has shape [8, 1], it must be one number");
}

TEST_CASE("fit: the history in a checkpoint is read with care") {
  using train::detail::events_from_text;
  CHECK(events_from_text("").empty());
  const std::vector<train::Event> events = {
      {.phase = "epoch", .step = 7, .epoch = 1, .values = {{"a b", 0.1}, {"c", NAN}}}};
  const auto back = events_from_text(train::detail::events_to_text(events));
  REQUIRE(back.size() == 1);
  CHECK(back[0].values[0] == std::pair<std::string, double>("a b", 0.1));
  CHECK(std::isnan(back[0].values[1].second));
  CHECK_ERROR(events_from_text("epoch\t1\t2"), LoadError, "load_state: the history is not whole");
  CHECK_ERROR(events_from_text("epoch\t1\tx\t3\t4\t5"), LoadError, "load_state: 'x' in the history is no number");
}

TEST_CASE("fit: 20,000 steps take no more memory than 2,000") {
  const Batches batches = batches_of(10);
  Run run;
  run.fit(batches, {.epochs = 200, .clip_norm = 1});
  const std::size_t asked = memory_stats().requests;
  reset_peak_memory();
  const std::size_t in_use = memory_stats().in_use;
  run.fit(batches, {.max_steps = 20000, .clip_norm = 1});
  CHECK(memory_stats().in_use == in_use);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(memory_stats().requests == asked);
#endif
}
