// A learning rate that rises, stays and falls.
#pragma once

#include <cmath>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// Along which curve it falls from 1 to 0, x going from 0 to 1.
enum class DecayCurve {
  cosine,          // (1 + cos(pi x)) / 2
  linear,          // 1 - x
  one_minus_root,  // 1 - sqrt(x)
};

struct WarmupStableDecayLROptions {
  Index warmup = 0, stable = 0, decay = 0;  // steps of each part
  double min_factor = 0;                    // of the initial rate: where the warm-up begins and the decay ends
  DecayCurve curve = DecayCurve::cosine;
};

/// Rises from min_factor times the initial lr to all of it in `warmup` steps along a line, stays there for `stable`
/// steps, and falls back in `decay` steps along a curve, at whose end it stays.
/// Errors: Error for a negative number of steps, or a min_factor that is not in [0, 1].
/// Source: Hu et al. 2024 (MiniCPM); transformers.get_wsd_schedule.
template <Real T>
class WarmupStableDecayLR final : public Schedule<T> {
 public:
  WarmupStableDecayLR(Optimizer<T>& optimizer, WarmupStableDecayLROptions options)
      : Schedule<T>(optimizer), options_(options) {
    if (options.warmup < 0 || options.stable < 0 || options.decay < 0)
      fail("WarmupStableDecayLR: warmup ", options.warmup, ", stable ", options.stable, " and decay ", options.decay,
           " must not be negative");
    if (!(options.min_factor >= 0 && options.min_factor <= 1))
      fail("WarmupStableDecayLR: min_factor ", options.min_factor, " is not in [0, 1]");
    this->start();
  }
  double rate(double base, Index step) const override {
    const Index since = step - options_.warmup - options_.stable;
    double part = 1;
    if (step < options_.warmup)
      part = static_cast<double>(step) / static_cast<double>(options_.warmup);
    else if (since >= 0)
      part = since < options_.decay ? fallen(static_cast<double>(since) / static_cast<double>(options_.decay)) : 0;
    return base * (options_.min_factor + (1 - options_.min_factor) * part);
  }

 private:
  double fallen(double progress) const {
    if (options_.curve == DecayCurve::one_minus_root) return 1 - std::sqrt(progress);
    return detail::anneal(1, 0, progress, options_.curve == DecayCurve::cosine);
  }

  WarmupStableDecayLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
