// A learning rate that falls along half a cosine, again and again.
#pragma once

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct CosineAnnealingWarmRestartsOptions {
  Index T_0 = 0;       // the steps to the first restart; has no default
  Index T_mult = 1;    // how many times as long as the one before each further run is
  double eta_min = 0;  // the lowest rate
};

/// lr = eta_min + (initial lr - eta_min) (1 + cos(pi t / T)) / 2, with t steps since the last restart and T from that
/// one to the next: T_0, T_0 T_mult, T_0 T_mult^2, ...
/// Errors: Error when T_0 or T_mult is not positive, or for an eta_min that is negative, infinite or NaN.
/// Source: Loshchilov and Hutter 2017.
/// PyTorch: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts
template <Real T>
class CosineAnnealingWarmRestarts final : public Schedule<T> {
 public:
  CosineAnnealingWarmRestarts(Optimizer<T>& optimizer, CosineAnnealingWarmRestartsOptions options)
      : Schedule<T>(optimizer), options_(options) {
    detail::check_positive("CosineAnnealingWarmRestarts", "T_0", options.T_0);
    detail::check_positive("CosineAnnealingWarmRestarts", "T_mult", options.T_mult);
    detail::check_option("CosineAnnealingWarmRestarts", "eta_min", options.eta_min);
    this->start();
  }
  double rate(double base, Index step) const override {
    Index since = step, length = options_.T_0;
    if (options_.T_mult == 1) since %= length;
    for (; since >= length; length *= options_.T_mult) since -= length;
    return detail::anneal(base, options_.eta_min, static_cast<double>(since) / static_cast<double>(length), true);
  }

 private:
  CosineAnnealingWarmRestartsOptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
