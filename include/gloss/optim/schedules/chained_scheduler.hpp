// Several schedules at once.
#pragma once

#include <tuple>
#include <utility>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// Each schedule scales the rate that the ones before it give: where all are factors of the step, as those without an
/// eta_min or max_lr, their product.
///   optim::ChainedScheduler schedule(optim::ConstantLR(sgd), optim::ExponentialLR(sgd, {.gamma = 0.9}));
/// Errors: Error when they are of different optimizers.
/// PyTorch: torch.optim.lr_scheduler.ChainedScheduler
template <class First, class... S>
class ChainedScheduler final : public Schedule<typename First::value_type> {
 public:
  explicit ChainedScheduler(First first, S... others)
      : Schedule<typename First::value_type>(first.optimizer()), schedules_(std::move(first), std::move(others)...) {
    std::apply([&](const auto&... s) { (detail::check_same_optimizer("ChainedScheduler", *this, s), ...); },
               schedules_);
    this->start();
  }
  double rate(double base, Index step) const override {
    std::apply([&](const auto&... s) { ((base = s.rate(base, step)), ...); }, schedules_);
    return base;
  }

 private:
  std::tuple<First, S...> schedules_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
