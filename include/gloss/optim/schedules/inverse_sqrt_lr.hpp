// A learning rate that rises along a line and then falls as 1 / sqrt(step).
#pragma once

#include <cmath>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct InverseSqrtLROptions {
  Index warmup = 0;     // the steps from 0 to the initial rate
  Index timescale = 0;  // how many steps after the peak take the rate to 1 / sqrt(2) of it; 0: as many as the warm-up
};

/// lr = initial lr * step / warmup in the warm-up, then initial lr * sqrt(timescale / (step - warmup + timescale)).
/// With the timescale of the warm-up that is Noam's schedule (rate) with the initial lr as its peak.
/// Errors: Error for a negative number of steps, or when both are 0.
/// Source: transformers.get_inverse_sqrt_schedule (Zhai et al. 2022).
template <Real T>
class InverseSqrtLR final : public Schedule<T> {
 public:
  InverseSqrtLR(Optimizer<T>& optimizer, InverseSqrtLROptions options) : Schedule<T>(optimizer), options_(options) {
    if (options_.timescale == 0) options_.timescale = options.warmup;
    if (options.warmup < 0 || options_.timescale < 1)
      fail("InverseSqrtLR: warmup ", options.warmup, " and timescale ", options.timescale,
           " must not be negative, nor both 0");
    this->start();
  }
  double rate(double base, Index step) const override {
    if (step < options_.warmup) return base * static_cast<double>(step) / static_cast<double>(options_.warmup);
    const auto scale = static_cast<double>(options_.timescale);
    return base * std::sqrt(scale / (static_cast<double>(step - options_.warmup) + scale));
  }

 private:
  InverseSqrtLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
