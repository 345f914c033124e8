// A learning rate that is a part of the initial one, for some steps.
#pragma once

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct ConstantLROptions {
  double factor = 1.0 / 3;  // of the initial rate
  Index total_iters = 5;
};

/// lr = initial lr * factor while step < total_iters, and then the initial lr.
/// Errors: Error when factor is not in [0, 1], or for a negative total_iters.
/// PyTorch: torch.optim.lr_scheduler.ConstantLR
template <Real T>
class ConstantLR final : public Schedule<T> {
 public:
  ConstantLR(Optimizer<T>& optimizer, ConstantLROptions options = {}) : Schedule<T>(optimizer), options_(options) {
    if (!(options.factor >= 0 && options.factor <= 1)) fail("ConstantLR: factor ", options.factor, " is not in [0, 1]");
    if (options.total_iters < 0) fail("ConstantLR: total_iters ", options.total_iters, " is negative");
    this->start();
  }
  double rate(double base, Index step) const override {
    return step < options_.total_iters ? base * options_.factor : base;
  }

 private:
  ConstantLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
