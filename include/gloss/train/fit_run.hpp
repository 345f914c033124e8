// What fit does with losses: all that does not depend on the types of batches and of the loss function.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gloss/core/clock.hpp>
#include <gloss/ops/in_place.hpp>
#include <gloss/optim/clip_grad.hpp>
#include <gloss/train/batch_loss.hpp>
#include <gloss/train/early_stopping.hpp>
#include <gloss/train/evaluate.hpp>
#include <gloss/train/fit_options.hpp>
#include <gloss/train/fit_report.hpp>
#include <gloss/train/pass.hpp>
#include <gloss/train/stop_flag.hpp>

namespace gloss::inline GLOSS_ABI::train::detail {

/// Where a training stands, as a checkpoint keeps it.
struct FitPosition {
  Index step = 0, epoch = 0, batch = 0;      // steps and epochs that are done, and batches of the epoch
  Index validated = 0;                       // the step of the last validation
  double items = 0, total = 0, counted = 0;  // all that was counted; of the epoch the sum of losses, and what it counts

  using Named = std::vector<std::pair<std::string, Tensor<double>>>;
  GLOSS_COLD Named state() const {
    return {{"step", scalar<double>(static_cast<double>(step))},
            {"epoch", scalar<double>(static_cast<double>(epoch))},
            {"batch", scalar<double>(static_cast<double>(batch))},
            {"validated", scalar<double>(static_cast<double>(validated))},
            {"items", scalar<double>(items)},
            {"total", scalar<double>(total)},
            {"counted", scalar<double>(counted)}};
  }
  GLOSS_COLD void load_state(const Named& from) {
    const Named own = state();
    optim::detail::fill_state<double>(own, from, "training");
    const auto count = [&](std::size_t i) { return optim::detail::count_of(own[i].first, own[i].second.item()); };
    const auto number = [&](std::size_t i) { return own[i].second.item(); };
    *this = {count(0), count(1), count(2), count(3), number(4), number(5), number(6)};
  }
};

/// What puts an optimizer that has two sets of weights (ScheduleFreeAdamW) into evaluation and back; else none.
template <class O>
std::function<void(bool)> evaluation_of(O& optimizer) {
  if constexpr (requires { optimizer.eval(), optimizer.train(); })
    return [&optimizer](bool on) { on ? optimizer.eval() : optimizer.train(); };
  else
    return {};
}

template <Real T>
bool is_finite(const Tensor<T>& x) {
  const Tensor<T> dense = x.detach().contiguous();
  for (Index i = 0; i < dense.numel(); ++i)
    if (!std::isfinite(dense.data()[i])) return false;
  return true;
}

template <Real T>
class FitRun {
 public:
  GLOSS_COLD FitRun(nn::Module<T>& model, optim::Optimizer<T>& optimizer, const FitOptions<T>& options,
                    std::function<void(bool)> evaluates)
      : model_(model),
        optimizer_(optimizer),
        options_(checked(options)),
        flag_(options.stop_on_signal),
        best_({options.monitor.patience, options.monitor.min_delta, options.monitor.maximize}),
        evaluates_(std::move(evaluates)) {
    if (!is_trial()) checkpoint_ = options.checkpoint;
    checkpoint_.add("model", model_);
    checkpoint_.add("optimizer", optimizer_);
    if (options.schedule) checkpoint_.add("schedule", *options.schedule);
    if (options.plateau) checkpoint_.add("plateau", *options.plateau);
    if (options.average) checkpoint_.add("average", *options.average);
    checkpoint_.add("rng", current_rng());
    checkpoint_.add("rng_of_epoch", rng_of_epoch_);
    checkpoint_.add("order", order_);
    checkpoint_.add("fit", at_);
    checkpoint_.add("best", best_);
    checkpoint_.add("events", events_);
    drop_gradients();
    if (!model_.is_training()) model_.train();
    is_saved_ = options.resume && checkpoint_.resume();
    if (!is_saved_) save();  // what cannot be written is found out now
    look_for_an_end();
  }
  ~FitRun() { drop_gradients(); }
  FitRun(const FitRun&) = delete;
  FitRun& operator=(const FitRun&) = delete;

  bool goes_on() const { return !stop_ && (options_.epochs == 0 || at_.epoch < options_.epochs); }
  std::uint64_t& order() { return order_; }

  PassStart position() const { return {at_.epoch, at_.batch, &rng_of_epoch_}; }
  PassStart begin_epoch() {
    if (at_.batch == 0) rng_of_epoch_ = current_rng();
    return position();
  }
  /// How many the epoch has, which may differ from epoch to epoch; 0 where nobody knows.
  void set_batches(Index batches) { batches_ = batches; }

  /// The loss of one batch; with the last of a group a step. Returns whether to go on.
  bool learn(const Tensor<T>& mean, double count) {
    check_batch_loss("fit", mean, count);
    if (count > 0) backward(mean, count);
    ++at_.batch;
    if (++pending_ == options_.accumulate) step();
    return !stop_;
  }

  GLOSS_COLD void end_epoch() {
    const bool is_over = at_.batch == batches_ && stop_ != Stop::flag;  // as far as one knows
    if (stop_ && !is_over) return;
    if (at_.batch == 0) fail("fit: there is no batch in the data");
    if (pending_ > 0) step();  // the last group is smaller
    if (at_.counted == 0) fail("fit: no batch of epoch ", at_.epoch, " counts anything");
    const double loss = at_.total / at_.counted;
    at_.batch = 0, at_.total = 0, at_.counted = 0;
    ++at_.epoch;
    if (options_.schedule && options_.schedule_by_epoch) options_.schedule->step();
    tell("epoch", {{"loss", loss}});
    if (options_.validate && options_.validate_every == 0) validate();
    if (options_.save_every == 0) save(true);
    look_for_an_end();
  }

  GLOSS_COLD FitReport finish() {
    // a run that was stopped behind the last batch of an epoch, which was also its last step, ends the epoch now
    if (stop_ != Stop::flag && at_.batch > 0 && at_.batch == batches_) end_epoch();
    if (stop_ != Stop::flag && options_.validate && at_.validated != at_.step) validate();
    save();
    return {.events = std::move(events_.events),
            .stop = stop_.value_or(Stop::epochs),
            .step = at_.step,
            .epoch = at_.epoch,
            .batch = at_.batch,
            .seconds = seconds(),
            .best = at_.validated > 0 ? best_.best() : std::nan("")};
  }

 private:
  GLOSS_COLD static const FitOptions<T>& checked(const FitOptions<T>& o) {
    const std::pair<const char*, Index> counts[] = {{"epochs", o.epochs},
                                                    {"max_steps", o.max_steps},
                                                    {"validate_every", o.validate_every},
                                                    {"save_every", o.save_every},
                                                    {"overfit_batches", o.overfit_batches}};
    for (const auto& [name, value] : counts)
      if (value < 0) fail("fit: ", name, " ", value, " is negative");
    optim::detail::check_option("fit", "max_seconds", o.max_seconds);
    optim::detail::check_option("fit", "clip_norm", o.clip_norm);
    optim::detail::check_option("fit", "clip_value", o.clip_value);
    optim::detail::check_positive("fit", "accumulate", o.accumulate);
    optim::detail::check_positive("fit", "log_every", o.log_every);
    if (o.epochs == 0 && o.max_steps == 0 && o.max_seconds == 0 && !o.dry_run)
      fail("fit: how long? Set epochs, max_steps or max_seconds");
    if (!o.validate && (o.plateau || o.monitor.patience > 0 || !o.monitor.best_path.empty()))
      fail("fit: plateau, monitor.patience and monitor.best_path want a validation: set validate");
    if (o.resume && o.checkpoint.path().empty()) fail("fit: resume wants a checkpoint to go on from");
    return o;
  }
  bool is_trial() const { return options_.dry_run || options_.overfit_batches > 0; }
  double seconds() const { return monotonic_seconds() - start_; }
  void drop_gradients() {
    optimizer_.zero_grad();
    pending_ = 0, group_total_ = 0, group_counted_ = 0;
  }

  /// Adds the gradient of the sum of losses, in units of the group's first count.
  void backward(const Tensor<T>& mean, double count) {
    const auto value = static_cast<double>(mean.item());
    if (options_.stop_on_nan && !std::isfinite(value)) fail_not_finite("the loss", value);
    if (group_counted_ == 0) unit_ = count;
    (count == unit_ ? mean : mean * (count / unit_)).backward();
    group_total_ += value * count;
    group_counted_ += count;
  }

  /// A step with the gathered gradients, and what is due after it.
  void step() {
    if (group_counted_ == 0) return drop_gradients();  // no batch of the group counted anything
    const std::vector<Tensor<T>>& parameters = optimizer_.parameters();
    if (group_counted_ != unit_) scale_gradients(unit_ / group_counted_);
    std::optional<double> norm;
    const auto check = [&] {
      if (options_.stop_on_nan && !std::isfinite(*norm)) fail_not_finite("the norm of the gradient", *norm);
    };
    if (options_.stop_on_nan && (options_.clip_norm == 0 || options_.clip_value > 0))
      norm = optim::grad_norm(parameters), check();
    if (options_.clip_value > 0) optim::clip_grad_value_(parameters, options_.clip_value);
    if (options_.clip_norm > 0) norm = optim::clip_grad_norm_(parameters, options_.clip_norm), check();
    if (options_.before_step) options_.before_step(at_.step);
    optimizer_.step();
    ++at_.step;
    at_.items += group_counted_;
    at_.total += group_total_;
    at_.counted += group_counted_;
    Scalars values = {{"loss", group_total_ / group_counted_}, {"lr", optimizer_.lr()}};
    if (norm) values.emplace_back("grad_norm", *norm);
    drop_gradients();
    if (options_.schedule && !options_.schedule_by_epoch) options_.schedule->step();
    if (options_.average) options_.average->update();
    if (at_.step % options_.log_every == 0) tell("train", std::move(values));
    if (options_.validate && options_.validate_every > 0 && at_.step % options_.validate_every == 0) validate();
    if (options_.save_every > 0 && at_.step % options_.save_every == 0) save(true);
    look_for_an_end();
  }
  void scale_gradients(double factor) {
    const NoGradGuard no_grad;
    for (const Tensor<T>& p : optimizer_.parameters())
      if (const Tensor<T> g = p.grad(); g.defined()) p.set_grad(g * factor);
  }

  void look_for_an_end() {
    if (stop_) return;
    if (best_.should_stop()) stop_ = Stop::patience;
    if (options_.max_steps > 0 && at_.step >= options_.max_steps) stop_ = Stop::max_steps;
    if (options_.dry_run && at_.step > 0) stop_ = Stop::max_steps;
    if (options_.max_seconds > 0 && seconds() >= options_.max_seconds) stop_ = Stop::max_seconds;
    if (StopFlag::is_raised()) stop_ = Stop::flag;
  }

  GLOSS_COLD void validate() {
    Scalars values;
    double watched = 0;
    {
      Rng rng(current_rng().seed(), 0x76616C6964 + static_cast<std::uint64_t>(at_.step));
      const RngGuard use(rng);  // so that it changes nothing of the training
      std::optional<typename WeightAverage<T>::Swapped> averaged;
      if (options_.average) averaged.emplace(*options_.average);
      const Evaluation evaluation(evaluates_);
      const EvalGuard<T> mode(model_);
      const NoGradGuard no_grad;
      values = options_.validate();
      watched = monitored(values);
      if (best_.step(watched) && !options_.monitor.best_path.empty() && !is_trial()) save_best(watched);
    }
    at_.validated = at_.step;
    if (options_.plateau) options_.plateau->step(watched);
    tell("validation", std::move(values));
  }
  /// While it lives, an optimizer that has weights of its own for evaluation has them in the model.
  struct Evaluation {
    const std::function<void(bool)>& switches;
    explicit Evaluation(const std::function<void(bool)>& f) : switches(f) {
      if (switches) switches(true);
    }
    ~Evaluation() {
      if (switches) switches(false);
    }
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;
  };
  GLOSS_COLD double monitored(const Scalars& values) const {
    std::string names;
    for (const auto& [name, value] : values) {
      if (name == options_.monitor.name) return value;
      names += (names.empty() ? "" : ", ") + name;
    }
    const bool is_needed = options_.plateau || options_.monitor.patience > 0 || !options_.monitor.best_path.empty();
    if (!is_needed && options_.monitor.name == "loss") return std::nan("");
    fail("fit: monitor is '", options_.monitor.name, "', and validate() gave ", names.empty() ? "nothing" : names);
  }

  void tell(const char* phase, Scalars values) {
    const bool is_kept = phase != std::string_view("train");
    if (options_.loggers.empty() && !is_kept) return;
    const Index groups = (batches_ + options_.accumulate - 1) / options_.accumulate;
    Event event{.phase = phase, .step = at_.step, .epoch = at_.epoch, .values = std::move(values)};
    event.seconds = seconds();
    event.steps = options_.epochs * groups;
    if (options_.max_steps > 0 && (event.steps == 0 || options_.max_steps < event.steps))
      event.steps = options_.max_steps;
    event.batch = at_.batch, event.batches = batches_, event.items = at_.items;
    for (const Logger& log : options_.loggers) log(event);
    if (is_kept) events_.events.push_back(std::move(event));
  }

  /// Errors: Error when something is not finite, and as Checkpoint.
  GLOSS_COLD void save(bool is_numbered = false) {
    if (checkpoint_.path().empty()) return;
    if (options_.stop_on_nan && !is_all_finite()) fail_not_finite("a weight or an average of the optimizer", NAN, true);
    is_numbered ? checkpoint_.save_numbered(at_.step) : checkpoint_.save();
    is_saved_ = true;
  }
  GLOSS_COLD void save_best(double value) const {
    std::string text;
    append_part(text, value);
    io::save_safetensors(options_.monitor.best_path, io::named_tensors(model_),
                         {{"step", std::to_string(at_.step)}, {options_.monitor.name, text}});
  }

  bool is_all_finite() const {
    for (const Tensor<T>& p : optimizer_.parameters())
      if (!is_finite(p)) return false;
    for (const auto& [name, tensor] : optimizer_.state())
      if (!is_finite(tensor)) return false;
    return true;
  }
  /// Before a step is taken. When one before has spoilt the weights, goes back to the checkpoint.
  [[noreturn]] GLOSS_COLD void fail_not_finite(const char* what, double value, bool is_taken = false) {
    const Index step = at_.step + (is_taken ? 0 : 1);
    drop_gradients();
    std::string state = "the model is as after step " + std::to_string(at_.step);
    if (!is_all_finite()) {
      state = "weights are not finite either, and there is no checkpoint to go back to";
      if (is_saved_) {
        checkpoint_.load(checkpoint_.path());
        state = "the model is as it was saved after step " + std::to_string(at_.step);
      }
    }
    if (std::isnan(value)) value = std::nan("");  // of either sign
    throw DivergedError(what, gloss::detail::join({"fit: step ", step, ": ", what, " is ", value, "; ", state}));
  }

  nn::Module<T>& model_;
  optim::Optimizer<T>& optimizer_;
  const FitOptions<T>& options_;
  StopFlag flag_;
  EarlyStopping best_;
  Index batches_ = 0;
  std::function<void(bool)> evaluates_;
  Checkpoint checkpoint_;
  FitPosition at_;
  EventList events_;
  Rng rng_of_epoch_;
  std::uint64_t order_ = 0;  // of a Loader's epoch
  bool is_saved_ = false;
  std::optional<Stop> stop_;

  Index pending_ = 0;                           // batches since the last step
  double unit_ = 1;                             // what the group's first loss counts
  double group_total_ = 0, group_counted_ = 0;  // of the group the sum of losses, and what they count
  const double start_ = monotonic_seconds();
};

}  // namespace gloss::inline GLOSS_ABI::train::detail
