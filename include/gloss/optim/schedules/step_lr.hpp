// A learning rate that falls by a factor every so many steps.
#pragma once

#include <cmath>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct StepLROptions {
  Index step_size = 0;  // how many steps pass between two falls; has no default
  double gamma = 0.1;
};

/// lr = initial lr * gamma^floor(step / step_size).
/// Errors: Error when step_size is not positive, or for a gamma that is negative, infinite or NaN.
/// PyTorch: torch.optim.lr_scheduler.StepLR
template <Real T>
class StepLR final : public Schedule<T> {
 public:
  StepLR(Optimizer<T>& optimizer, StepLROptions options) : Schedule<T>(optimizer), options_(options) {
    detail::check_positive("StepLR", "step_size", options.step_size);
    detail::check_option("StepLR", "gamma", options.gamma);
    this->start();
  }
  double rate(double base, Index step) const override {
    return base * std::pow(options_.gamma, static_cast<double>(step / options_.step_size));
  }

 private:
  StepLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
