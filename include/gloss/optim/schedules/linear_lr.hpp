// A learning rate that goes along a line, and then stays.
#pragma once

#include <algorithm>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct LinearLROptions {
  double start_factor = 1.0 / 3, end_factor = 1;  // of the initial rate
  Index total_iters = 5;                          // the steps from one to the other
};

/// lr = initial lr * (start_factor + (end_factor - start_factor) min(step / total_iters, 1)). A warm-up before another
/// schedule is WarmupLR.
/// Errors: Error when start_factor is not in (0, 1] or end_factor not in [0, 1], or for a total_iters that is not
/// positive.
/// PyTorch: torch.optim.lr_scheduler.LinearLR
template <Real T>
class LinearLR final : public Schedule<T> {
 public:
  LinearLR(Optimizer<T>& optimizer, LinearLROptions options = {}) : Schedule<T>(optimizer), options_(options) {
    if (!(options.start_factor > 0 && options.start_factor <= 1))
      fail("LinearLR: start_factor ", options.start_factor, " is not in (0, 1]");
    if (!(options.end_factor >= 0 && options.end_factor <= 1))
      fail("LinearLR: end_factor ", options.end_factor, " is not in [0, 1]");
    detail::check_positive("LinearLR", "total_iters", options.total_iters);
    this->start();
  }
  double rate(double base, Index step) const override {
    const double progress =
        static_cast<double>((std::min)(step, options_.total_iters)) / static_cast<double>(options_.total_iters);
    return base * detail::anneal(options_.start_factor, options_.end_factor, progress, false);
  }

 private:
  LinearLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
