// A learning rate that falls to 0 along a power.
#pragma once

#include <algorithm>
#include <cmath>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct PolynomialLROptions {
  Index total_iters = 5;  // the steps to 0
  double power = 1;
};

/// lr = initial lr * (1 - min(step / total_iters, 1))^power.
/// Errors: Error when total_iters is not positive, or for a power that is negative, infinite or NaN.
/// PyTorch: torch.optim.lr_scheduler.PolynomialLR
template <Real T>
class PolynomialLR final : public Schedule<T> {
 public:
  PolynomialLR(Optimizer<T>& optimizer, PolynomialLROptions options = {}) : Schedule<T>(optimizer), options_(options) {
    detail::check_positive("PolynomialLR", "total_iters", options.total_iters);
    detail::check_option("PolynomialLR", "power", options.power);
    this->start();
  }
  double rate(double base, Index step) const override {
    const Index left = (std::max)(options_.total_iters - step, Index{0});
    return base * std::pow(static_cast<double>(left) / static_cast<double>(options_.total_iters), options_.power);
  }

 private:
  PolynomialLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
