// Stochastic gradient descent.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <gloss/kernels/adam.hpp>
#include <gloss/optim/parameter_group.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  // added to the gradient
  bool nesterov = false;
  bool maximize = false;  // climbs
};

/// b = momentum b + (1 - dampening) g (b = g at first, unless b was restored), p -= lr b; with nesterov p -= lr (g +
/// momentum b). With maximize that is p += ..., and b is the negative of PyTorch's.
/// Errors: Error for values out of range (dampening may be any finite number), or when nesterov comes without momentum
/// or with dampening.
/// PyTorch: torch.optim.SGD
template <Real T>
class SGD final : public detail::GroupedOptimizer<T, SGDOptions> {
 public:
  using Group = ParameterGroup<T, SGDOptions>;
  SGD(std::vector<Tensor<T>> parameters, SGDOptions options = {})
      : SGD(std::vector<Group>{{std::move(parameters), options}}) {}
  SGD(const std::vector<Group>& groups) : detail::GroupedOptimizer<T, SGDOptions>(groups) {
    for (const SGDOptions& options : this->options_) {
      detail::check_option("SGD", "momentum", options.momentum);
      detail::check_option("SGD", "weight_decay", options.weight_decay);
      if (!std::isfinite(options.dampening)) fail("SGD: dampening ", options.dampening, " is not a finite number");
      if (options.nesterov && (options.momentum <= 0 || options.dampening != 0))
        fail("SGD: nesterov needs a momentum and no dampening");
    }
    for (std::size_t i = 0; i < this->parameters_.size(); ++i)
      momentum_.push_back(this->options_of(i).momentum == 0 ? Tensor<T>() : zeros<T>(this->parameters_[i].shape()));
    step_.resize(momentum_.size());
  }

  typename Optimizer<T>::Named state() override {
    typename Optimizer<T>::Named out;
    for (std::size_t i = 0; i < momentum_.size(); ++i) {
      if (!momentum_[i].defined()) continue;
      out.emplace_back(std::to_string(i) + ".momentum", momentum_[i]);
      out.emplace_back(std::to_string(i) + ".step", step_[i].tensor());
    }
    return out;
  }
  void set_momentum(double momentum) override {
    detail::check_option("SGD", "momentum", momentum);
    for (std::size_t i = 0; i < momentum_.size(); ++i)
      if (momentum_[i].defined()) this->options_[this->group_of(i)].momentum = momentum;
  }

 private:
  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("SGD");
    T* const momentum = momentum_[i].defined() ? momentum_[i].data() : nullptr;
    if (scope) scope.bytes((momentum ? 5 : 3) * sizeof(T), {p.numel()});  // reads p, g, writes p; reads and writes b
    const SGDOptions& o = this->options_of(i);
    kernels::sgd_step(p.data(), static_cast<const T*>(g.data()), momentum, p.numel(), this->lr_of(i), o.momentum,
                      o.dampening, o.weight_decay, o.nesterov, momentum ? count_step(i) : this->steps_, o.maximize);
  }
  void check_state(std::size_t i) const override { step_[i].check(i); }
  /// The number of this step; one that begins with a momentum is not the first.
  Index count_step(std::size_t i) {
    const bool goes_on = step_[i].is_zero() && this->any_nonzero(momentum_[i]);
    return step_[i].advance() + goes_on;
  }

  std::vector<Tensor<T>> momentum_;  // undefined where there is none
  std::vector<StepCount<T>> step_;
};

GLOSS_INSTANTIATE(class SGD<float>)
GLOSS_INSTANTIATE(class SGD<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
