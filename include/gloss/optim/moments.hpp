// What optimizers share that keep averages of each parameter's gradients.
#pragma once

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gloss/optim/parameter_group.hpp>

namespace gloss::inline GLOSS_ABI::optim::detail {

/// An optimizer with options for each group, which keeps tensors of the parameters' shapes, "0.exp_avg", and counts how
/// often each of these parameters was updated, "0.step".
template <Real T, class Options>
class MomentOptimizer : public Optimizer<T> {
 public:
  GLOSS_COLD typename Optimizer<T>::Named state() override {
    typename Optimizer<T>::Named out;
    for (std::size_t i = 0; i < step_.size(); ++i) {
      const std::string key = std::to_string(i) + ".";
      const std::size_t before = out.size();
      for (const Moment& moment : moments_)
        if (moment.name && moment.of[i].defined()) out.emplace_back(key + moment.name, moment.of[i]);
      if (out.size() > before) out.emplace_back(key + "step", step_[i].tensor());
    }
    return out;
  }

 protected:
  /// `name` is that of the optimizer, for texts.
  GLOSS_COLD MomentOptimizer(const char* name, std::span<const ParameterGroup<T, Options>> groups)
      : name_(name), options_(groups.size()) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      this->add_group(groups[i].parameters, groups[i].options.lr);
      options_[i] = groups[i].options;
    }
    this->check_parameters();
    step_ = std::vector<StepCount<T>>(this->parameters_.size());
  }
  /// Of parameter i.
  const Options& options_of(std::size_t i) const { return options_[this->group_of(i)]; }
  /// The k-th tensor of each parameter whose options say so.
  GLOSS_COLD void keep(std::size_t k, const char* name, bool (*is_needed)(const Options&) = nullptr) {
    moments_[k].name = name;
    for (std::size_t i = 0; i < step_.size(); ++i)
      moments_[k].of.push_back(!is_needed || is_needed(this->options_of(i)) ? zeros<T>(this->parameters_[i].shape())
                                                                            : Tensor<T>());
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
      if (moment.name && moment.of[i].defined() && this->any_nonzero(moment.of[i]))
        fail(name_, ": parameter ", i, " has averages, but its step is 0: restore the whole state");
  }
  void check_betas(const std::array<double, 2>& betas) const {
    for (const double beta : betas) check_part(name_, "beta", beta);
  }

  struct Moment {
    const char* name = nullptr;
    std::vector<Tensor<T>> of;  // each parameter
  };
  const char* name_;
  std::vector<Options> options_;  // of each group
  Moment moments_[3];             // those without a name are not there
  std::vector<StepCount<T>> step_;
};

}  // namespace gloss::inline GLOSS_ABI::optim::detail
