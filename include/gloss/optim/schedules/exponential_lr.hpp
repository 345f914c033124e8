// A learning rate that falls by a factor in each step.
#pragma once

#include <cmath>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct ExponentialLROptions {
  double gamma = 0;  // has no default
};

/// lr = initial lr * gamma^step.
/// Errors: Error unless gamma is positive and finite.
/// PyTorch: torch.optim.lr_scheduler.ExponentialLR
template <Real T>
class ExponentialLR final : public Schedule<T> {
 public:
  ExponentialLR(Optimizer<T>& optimizer, ExponentialLROptions options) : Schedule<T>(optimizer), options_(options) {
    if (!(options.gamma > 0 && std::isfinite(options.gamma)))
      fail("ExponentialLR: gamma ", options.gamma, " is not a positive number");
    this->start();
  }
  double rate(double base, Index step) const override {
    return base * std::pow(options_.gamma, static_cast<double>(step));
  }

 private:
  ExponentialLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
