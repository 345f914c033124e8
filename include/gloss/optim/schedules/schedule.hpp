// What every schedule of the learning rate shares.
#pragma once

#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <gloss/optim/optimizer.hpp>

namespace gloss::inline GLOSS_ABI::optim {

namespace detail {
/// Errors: LoadError unless the number is a count.
GLOSS_LAZY GLOSS_COLD Index count_of(const std::string& name, double value) {
  if (!(value >= 0 && value < 0x1p62 && value == std::floor(value)))
    fail<LoadError>("load_state: ", name, " is ", value, ", which is no count");
  return static_cast<Index>(value);
}
/// Errors: Error unless the option, a number of steps, is positive.
GLOSS_LAZY void check_positive(const char* op, const char* name, Index value) {
  if (value < 1) fail(op, ": ", name, " ", value, " is not positive");
}
/// From one number to another, half a cosine or a line, in the course of `progress` from 0 to 1.
GLOSS_LAZY double anneal(double from, double to, double progress, bool along_cosine) {
  if (!along_cosine) return from + (to - from) * progress;
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * progress));
}
}  // namespace detail

/// Gives every group of an optimizer its learning rate: a function of the group's initial rate (that when the
/// optimizer's first schedule was made) and of how often step() was called. The rate of step 0 holds from construction;
/// The optimizer must outlive its schedule.
/// A schedule of one's own is a final class with rate(), whose constructor ends with start().
/// Errors: Error when a rate is negative, infinite or NaN, or a number of steps below 0; then nothing is changed.
/// PyTorch: torch.optim.lr_scheduler.LRScheduler
template <Real T>
class Schedule {
 public:
  using value_type = T;
  virtual ~Schedule() = default;

  /// The rate in a step of a group whose initial rate is `base`.
  virtual double rate(double base, Index step) const = 0;

  /// The rates of the next step; after optimizer.step().
  void step() { set_steps(steps_ + 1); }
  /// How often step() was called.
  Index steps() const { return steps_; }
  /// Jumps, when training resumes.
  GLOSS_NOINLINE void set_steps(Index steps) {
    if (steps < 0) fail("schedule: ", steps, " steps are fewer than none");
    std::vector<double> rates;
    for (Index group = 0; group < optimizer_->num_groups(); ++group) {
      rates.push_back(rate(optimizer_->initial_lr(group), steps));
      detail::check_option("schedule", "learning rate", rates.back());
    }
    for (Index group = 0; group < optimizer_->num_groups(); ++group)
      optimizer_->set_lr(rates[static_cast<std::size_t>(group)], group);
    steps_ = steps;
    stepped();
  }
  /// The current rate of a group. PyTorch: get_last_lr()[group]
  double lr(Index group = 0) const { return optimizer_->lr(group); }
  Optimizer<T>& optimizer() const { return *optimizer_; }

  using Named = std::vector<std::pair<std::string, Tensor<double>>>;
  /// What a checkpoint keeps: copies of numbers, by name.
  Named state() const { return {{"steps", scalar<double>(static_cast<double>(steps_))}}; }
  /// Goes on where another schedule of the same kind and options stood. The optimizer was made with the same rates.
  /// Errors: LoadError as load_state of an optimizer, and for what is no number of steps; then nothing is changed.
  /// PyTorch: load_state_dict
  GLOSS_COLD void load_state(const Named& from) {
    const Named own = state();
    detail::fill_state<double>(own, from, "schedule");
    set_steps(detail::count_of("steps", own[0].second.item()));
  }

 protected:
  explicit Schedule(Optimizer<T>& optimizer) : optimizer_(&optimizer) {}
  /// Sets the rates of step 0.
  void start() { set_steps(0); }
  /// What else changes with the step.
  virtual void stepped() {}

 private:
  Optimizer<T>* optimizer_;
  Index steps_ = 0;
};

namespace detail {
/// Errors: Error when two schedules are of different optimizers.
template <Real T>
void check_same_optimizer(const char* op, const Schedule<T>& a, const Schedule<T>& b) {
  if (&a.optimizer() != &b.optimizer()) fail(op, ": the schedules are of different optimizers");
}
}  // namespace detail

GLOSS_INSTANTIATE(class Schedule<float>)
GLOSS_INSTANTIATE(class Schedule<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
