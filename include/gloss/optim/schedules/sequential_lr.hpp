// Schedules one after the other.
#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// The first schedule before the first milestone, then the second from its beginning, and so on:
///   optim::SequentialLR schedule({20}, optim::LinearLR(adam), optim::ExponentialLR(adam, {.gamma = 0.99}));
/// Errors: Error unless there is one milestone fewer than schedules and they rise, and when the schedules are of
/// different optimizers.
/// PyTorch: torch.optim.lr_scheduler.SequentialLR, which has the milestones last
template <class First, class... S>
class SequentialLR final : public Schedule<typename First::value_type> {
 public:
  SequentialLR(std::vector<Index> milestones, First first, S... others)
      : Schedule<typename First::value_type>(first.optimizer()),
        schedules_(std::move(first), std::move(others)...),
        milestones_(std::move(milestones)) {
    if (milestones_.size() != sizeof...(S))
      fail("SequentialLR: ", sizeof...(S) + 1, " schedules need ", sizeof...(S), " milestones, not ",
           milestones_.size());
    for (std::size_t i = 0; i < milestones_.size(); ++i)
      if (milestones_[i] <= (i == 0 ? 0 : milestones_[i - 1]))
        fail("SequentialLR: milestone ", milestones_[i], " is not above the one before it");
    std::apply([&](const auto&... s) { (detail::check_same_optimizer("SequentialLR", *this, s), ...); }, schedules_);
    this->start();
  }
  double rate(double base, Index step) const override {
    std::size_t stage = 0, i = 0;
    while (stage < milestones_.size() && milestones_[stage] <= step) ++stage;
    const Index since = stage == 0 ? step : step - milestones_[stage - 1];
    double result = 0;
    std::apply([&](const auto&... s) { ((i++ == stage ? void(result = s.rate(base, since)) : void()), ...); },
               schedules_);
    return result;
  }

 private:
  std::tuple<First, S...> schedules_;
  std::vector<Index> milestones_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
