// A learning rate that falls along half a cosine.
#pragma once

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct CosineAnnealingLROptions {
  Index T_max = 0;     // the steps from the initial rate to eta_min; has no default
  double eta_min = 0;  // the lowest rate
};

/// lr = eta_min + (initial lr - eta_min) (1 + cos(pi step / T_max)) / 2. After T_max steps it rises again, along the
/// same cosine.
/// Errors: Error when T_max is not positive, or for an eta_min that is negative, infinite or NaN.
/// Source: Loshchilov and Hutter 2017.
/// PyTorch: torch.optim.lr_scheduler.CosineAnnealingLR
template <Real T>
class CosineAnnealingLR final : public Schedule<T> {
 public:
  CosineAnnealingLR(Optimizer<T>& optimizer, CosineAnnealingLROptions options)
      : Schedule<T>(optimizer), options_(options) {
    detail::check_positive("CosineAnnealingLR", "T_max", options.T_max);
    detail::check_option("CosineAnnealingLR", "eta_min", options.eta_min);
    this->start();
  }
  double rate(double base, Index step) const override {
    return detail::anneal(base, options_.eta_min, static_cast<double>(step) / static_cast<double>(options_.T_max),
                          true);
  }

 private:
  CosineAnnealingLROptions options_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
