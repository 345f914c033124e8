// A warm-up before any other schedule.
#pragma once

#include <utility>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct WarmupLROptions {
  Index steps = 0;          // of the warm-up
  double start_factor = 0;  // of the rate that the other schedule begins with
};

/// In the first `steps` steps along a line from start_factor times the rate in step 0 of another schedule to all of it;
/// then that schedule, from its beginning:
///   optim::WarmupLR schedule(optim::CosineAnnealingLR(adam, {.T_max = 9000}), {.steps = 1000});
/// Errors: Error for a negative number of steps, or a start_factor that is not in [0, 1].
/// PyTorch: SequentialLR of LinearLR and the other; with a cosine transformers.get_cosine_schedule_with_warmup
template <class S>
class WarmupLR final : public Schedule<typename S::value_type> {
 public:
  WarmupLR(S schedule, WarmupLROptions options)
      : Schedule<typename S::value_type>(schedule.optimizer()), schedule_(std::move(schedule)), options_(options) {
    if (options.steps < 0) fail("WarmupLR: steps ", options.steps, " is negative");
    if (!(options.start_factor >= 0 && options.start_factor <= 1))
      fail("WarmupLR: start_factor ", options.start_factor, " is not in [0, 1]");
    this->start();
  }
  double rate(double base, Index step) const override {
    if (step >= options_.steps) return schedule_.rate(base, step - options_.steps);
    const double progress = static_cast<double>(step) / static_cast<double>(options_.steps);
    return schedule_.rate(base, 0) * detail::anneal(options_.start_factor, 1, progress, false);
  }

 private:
  S schedule_;
  WarmupLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
