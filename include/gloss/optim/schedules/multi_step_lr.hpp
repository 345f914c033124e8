// A learning rate that falls by a factor at given steps.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct MultiStepLROptions {
  std::vector<Index> milestones;  // in any order; one that stands there twice counts twice
  double gamma = 0.1;
};

/// lr = initial lr * gamma^(number of milestones that are at most the step).
/// Errors: Error for a gamma that is negative, infinite or NaN.
/// PyTorch: torch.optim.lr_scheduler.MultiStepLR
template <Real T>
class MultiStepLR final : public Schedule<T> {
 public:
  MultiStepLR(Optimizer<T>& optimizer, MultiStepLROptions options)
      : Schedule<T>(optimizer), options_(std::move(options)) {
    detail::check_option("MultiStepLR", "gamma", options_.gamma);
    this->start();
  }
  double rate(double base, Index step) const override {
    int passed = 0;
    for (const Index milestone : options_.milestones) passed += milestone <= step;
    return base * std::pow(options_.gamma, passed);
  }

 private:
  MultiStepLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
