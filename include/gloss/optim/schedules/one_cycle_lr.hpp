// A learning rate that rises to a peak and falls far below where it began, and a momentum that does the opposite.
#pragma once

#include <algorithm>
#include <cmath>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct OneCycleLROptions {
  Index total_steps = 0;          // has no default
  double max_lr = 0;              // the peak, of all groups; 0: the initial rate of each
  double pct_start = 0.3;         // the part of the steps in which it rises
  bool along_cosine = true;       // anneal_strategy="cos", else along lines
  bool cycle_momentum = true;     // where the optimizer has one: SGD's with momentum, Adam's first beta
  double base_momentum = 0.85;    // at the peak
  double max_momentum = 0.95;     // at both ends
  double div_factor = 25;         // peak / first rate
  double final_div_factor = 1e4;  // first rate / last rate
  bool three_phase = false;       // falls back to the first rate as it rose, and then to the last one
};

/// From max_lr / div_factor up to max_lr in pct_start of the steps, then down to max_lr / (div_factor final_div_factor)
/// in step total_steps - 1, where it stays (PyTorch's throws later). In a SequentialLR, ChainedScheduler or WarmupLR it
/// leaves the momentum alone.
/// Errors: Error when total_steps is not positive, for a pct_start not in [0, 1], momenta not in [0, 1), factors that
/// are not positive, or another option that is negative, infinite or NaN.
/// Source: Smith and Topin 2019.
/// PyTorch: torch.optim.lr_scheduler.OneCycleLR
template <Real T>
class OneCycleLR final : public Schedule<T> {
 public:
  GLOSS_COLD OneCycleLR(Optimizer<T>& optimizer, OneCycleLROptions options)
      : Schedule<T>(optimizer), options_(options) {
    detail::check_positive("OneCycleLR", "total_steps", options.total_steps);
    detail::check_option("OneCycleLR", "max_lr", options.max_lr);
    if (!(options.pct_start >= 0 && options.pct_start <= 1))
      fail("OneCycleLR: pct_start ", options.pct_start, " is not in [0, 1]");
    for (const double momentum : {options.base_momentum, options.max_momentum})
      if (!(momentum >= 0 && momentum < 1)) fail("OneCycleLR: momentum ", momentum, " is not in [0, 1)");
    for (const double factor : {options.div_factor, options.final_div_factor})
      if (!(factor > 0 && std::isfinite(factor))) fail("OneCycleLR: factor ", factor, " is not a positive number");
    this->start();
  }
  double rate(double base, Index step) const override {
    const double peak = options_.max_lr > 0 ? options_.max_lr : base, first = peak / options_.div_factor;
    return at(step, first, peak, first / options_.final_div_factor);
  }
  /// The momentum in a step.
  double momentum(Index step) const {
    return at(step, options_.max_momentum, options_.base_momentum, options_.max_momentum);
  }

 private:
  void stepped() override {
    if (options_.cycle_momentum) this->optimizer().set_momentum(momentum(this->steps()));
  }
  /// Where a number stands that goes from `first` to `peak` to `last`.
  double at(Index step, double first, double peak, double last) const {
    const auto total = static_cast<double>(options_.total_steps),
               now = (std::min)(static_cast<double>(step), total - 1);
    const double top = options_.pct_start * total - 1, back = options_.three_phase ? 2 * top : top;
    const auto between = [&](double from, double to, double begin, double end) {
      return detail::anneal(from, to, end > begin ? (now - begin) / (end - begin) : 1, options_.along_cosine);
    };
    if (now <= top) return between(first, peak, 0, top);
    if (now <= back) return between(peak, first, top, back);
    return between(options_.three_phase ? first : peak, last, back, total - 1);
  }

  OneCycleLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
