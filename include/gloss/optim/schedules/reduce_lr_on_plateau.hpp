// A learning rate that falls when a metric no longer gets better.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct ReduceLROnPlateauOptions {
  bool maximize = false;  // mode="max": more is better, as for an accuracy; else less is, as for a loss
  double factor = 0.1;
  Index patience = 10;              // how many steps may pass without a better metric
  double threshold = 1e-4;          // by how much better it must be than the best so far
  bool absolute_threshold = false;  // threshold_mode="abs", else a part of the best so far
  Index cooldown = 0;               // how many steps after a fall are not looked at
  double min_lr = 0;
  double eps = 1e-8;  // a smaller change is left out
};

/// After `patience` steps in which the metric was not better than the best before, the next such step multiplies the
/// rate of every group by factor. A NaN is never better.
/// Errors: Error when factor is not in [0, 1), or for another option that is negative, infinite or NaN.
/// PyTorch: torch.optim.lr_scheduler.ReduceLROnPlateau
template <Real T>
class ReduceLROnPlateau {
 public:
  GLOSS_COLD ReduceLROnPlateau(Optimizer<T>& optimizer, ReduceLROnPlateauOptions options = {})
      : optimizer_(&optimizer), options_(options), best_(worst()) {
    if (!(options.factor >= 0 && options.factor < 1))
      fail("ReduceLROnPlateau: factor ", options.factor, " is not in [0, 1)");
    if (options.patience < 0) fail("ReduceLROnPlateau: patience ", options.patience, " is negative");
    if (options.cooldown < 0) fail("ReduceLROnPlateau: cooldown ", options.cooldown, " is negative");
    detail::check_option("ReduceLROnPlateau", "threshold", options.threshold);
    detail::check_option("ReduceLROnPlateau", "min_lr", options.min_lr);
    detail::check_option("ReduceLROnPlateau", "eps", options.eps);
  }

  /// Takes note of the metric, once an epoch or as often as it is measured.
  GLOSS_NOINLINE void step(double metric) {
    ++steps_;
    ++bad_steps_;
    if (is_better(metric)) {
      best_ = metric;
      bad_steps_ = 0;
    }
    if (cooldown_ > 0) {
      --cooldown_;
      bad_steps_ = 0;
    }
    if (bad_steps_ <= options_.patience) return;
    for (Index group = 0; group < optimizer_->num_groups(); ++group) {
      const double lr = optimizer_->lr(group), reduced = (std::max)(lr * options_.factor, options_.min_lr);
      if (lr - reduced > options_.eps) optimizer_->set_lr(reduced, group);
    }
    cooldown_ = options_.cooldown;
    bad_steps_ = 0;
  }
  /// How often step() was called.
  Index steps() const { return steps_; }
  /// The best metric so far; infinite before the first.
  double best() const { return best_; }
  /// The current rate of a group.
  double lr(Index group = 0) const { return optimizer_->lr(group); }

  using Named = std::vector<std::pair<std::string, Tensor<double>>>;
  /// What a checkpoint keeps: copies of numbers, by name, the rate of each group among them.
  GLOSS_COLD Named state() const {
    Named out;
    const auto add = [&](const std::string& name, double x) { out.emplace_back(name, scalar<double>(x)); };
    add("steps", static_cast<double>(steps_));
    add("bad_steps", static_cast<double>(bad_steps_));
    add("cooldown", static_cast<double>(cooldown_));
    add("best", best_);
    for (Index group = 0; group < optimizer_->num_groups(); ++group)
      add("lr." + std::to_string(group), optimizer_->lr(group));
    return out;
  }
  /// Goes on where another one of the same options stood, and sets the optimizer's rates.
  /// Errors: LoadError as load_state of an optimizer, and for what is no count; Error for what is no rate; then nothing
  /// is changed.
  GLOSS_COLD void load_state(const Named& from) {
    const Named own = state();
    detail::fill_state<double>(own, from, "schedule");
    Index counts[3];
    for (std::size_t i = 0; i < 3; ++i) counts[i] = detail::count_of(own[i].first, own[i].second.item());
    for (std::size_t i = 4; i < own.size(); ++i)
      detail::check_option("schedule", "learning rate", own[i].second.item());
    steps_ = counts[0], bad_steps_ = counts[1], cooldown_ = counts[2];
    best_ = own[3].second.item();
    for (Index group = 0; group < optimizer_->num_groups(); ++group)
      optimizer_->set_lr(own[static_cast<std::size_t>(4 + group)].second.item(), group);
  }

 private:
  double worst() const {
    return options_.maximize ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  bool is_better(double metric) const {
    const double margin = options_.threshold * (options_.absolute_threshold ? 1 : best_);
    if (std::isinf(best_)) return options_.maximize ? metric > best_ : metric < best_;
    return options_.maximize ? metric > best_ + margin : metric < best_ - margin;
  }

  Optimizer<T>* optimizer_;
  ReduceLROnPlateauOptions options_;
  double best_;
  Index steps_ = 0, bad_steps_ = 0, cooldown_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::optim
