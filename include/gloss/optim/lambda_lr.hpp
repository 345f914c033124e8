// A learning rate given by any function of the step.
#pragma once

#include <utility>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// lr = initial lr * f(number of step() calls so far); f(0) holds from construction. step() comes after
/// optimizer.step(). A second schedule does not multiply with the first. AT's schedule is f = rate.
/// PyTorch: torch.optim.lr_scheduler.LambdaLR
template <Real T, class F>
class LambdaLR final : public Schedule<T> {
 public:
  LambdaLR(Optimizer<T>& optimizer, F f) : Schedule<T>(optimizer), f_(std::move(f)) { this->start(); }
  double rate(double base, Index step) const override { return base * static_cast<double>(f_(step)); }

 private:
  mutable F f_;
};
template <template <class> class O, class T, class F>
LambdaLR(O<T>&, F) -> LambdaLR<T, F>;

}  // namespace gloss::inline GLOSS_ABI::optim
