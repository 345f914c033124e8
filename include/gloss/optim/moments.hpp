// What optimizers share that keep averages of each parameter's gradients.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gloss/optim/parameter_group.hpp>

namespace gloss::inline GLOSS_ABI::optim::detail {

/// Keeps tensors of the parameters' shapes, "0.exp_avg", and how often each parameter was updated, "0.step".
template <Real T, class Options>
class MomentOptimizer : public GroupedOptimizer<T, Options> {
 public:
  GLOSS_COLD typename Optimizer<T>::Named state() override {
    typename Optimizer<T>::Named out;
    for (std::size_t i = 0; i < step_.size(); ++i) {
      const std::string key = std::to_string(i) + ".";
      for (const Moment& moment : moments_)
        if (moment.of[i].defined()) out.emplace_back(key + moment.name, moment.of[i]);
      out.emplace_back(key + "step", step_[i].tensor());
    }
    return out;
  }

 protected:
  using Group = ParameterGroup<T, Options>;
  /// `name` is that of the optimizer, for texts.
  MomentOptimizer(const char* name, const std::vector<Group>& groups)
      : GroupedOptimizer<T, Options>(groups), name_(name), step_(this->parameters_.size()) {}
  /// One more tensor for each parameter whose options say so.
  template <class Needed>
  void keep(const char* name, Needed needed) {
    Moment moment{name, {}};
    for (std::size_t i = 0; i < step_.size(); ++i)
      moment.of.push_back(needed(this->options_of(i)) ? zeros<T>(this->parameters_[i].shape()) : Tensor<T>());
    moments_.push_back(std::move(moment));
  }
  void keep(const char* name) {
    keep(name, [](const Options&) { return true; });
  }
  /// The numbers that are kept under the k-th name of parameter i; null where there are none.
  T* moment(std::size_t k, std::size_t i) const {
    const Tensor<T>& x = moments_[k].of[i];
    return x.defined() ? x.data() : nullptr;
  }
  void check_state(std::size_t i) const override {
    step_[i].check(i);
    if (!step_[i].is_zero()) return;
    for (const Moment& moment : moments_)
      if (moment.of[i].defined() && this->any_nonzero(moment.of[i]))
        fail(name_, ": parameter ", i, " has averages, but its step is 0: restore the whole state");
  }
  void check_betas(const std::array<double, 2>& betas) const {
    for (const double beta : betas) check_part(name_, "beta", beta);
  }

  struct Moment {
    const char* name;
    std::vector<Tensor<T>> of;  // each parameter
  };
  const char* name_;
  std::vector<Moment> moments_;
  std::vector<StepCount<T>> step_;
};

}  // namespace gloss::inline GLOSS_ABI::optim::detail
