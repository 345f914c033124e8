// Stochastic gradient descent.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <gloss/kernels/adam.hpp>
#include <gloss/optim/optimizer.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  // added to the gradient
  bool nesterov = false;
};

/// b = momentum b + (1 - dampening) g (b = g at first, unless b was restored), p -= lr b; with nesterov p -= lr (g +
/// momentum b).
/// Errors: Error for values out of range (dampening may be any finite number), or when nesterov comes without momentum
/// or with dampening.
/// PyTorch: torch.optim.SGD
template <Real T>
class SGD final : public Optimizer<T> {
 public:
  SGD(std::vector<Tensor<T>> parameters, SGDOptions options = {})
      : Optimizer<T>(std::move(parameters), options.lr), options_(options) {
    detail::check_option("SGD", "momentum", options.momentum);
    detail::check_option("SGD", "weight_decay", options.weight_decay);
    if (!std::isfinite(options.dampening)) fail("SGD: dampening ", options.dampening, " is not a finite number");
    if (options.nesterov && (options.momentum <= 0 || options.dampening != 0))
      fail("SGD: nesterov needs a momentum and no dampening");
    if (options.momentum == 0) return;
    for (const Tensor<T>& p : this->parameters_) momentum_.push_back(zeros<T>(p.shape()));
    step_.resize(momentum_.size());
  }

  typename Optimizer<T>::Named state() override {
    typename Optimizer<T>::Named out;
    for (std::size_t i = 0; i < momentum_.size(); ++i) {
      out.emplace_back(std::to_string(i) + ".momentum", momentum_[i]);
      out.emplace_back(std::to_string(i) + ".step", step_[i].tensor());
    }
    return out;
  }

 private:
  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("SGD");
    if (scope)
      scope.bytes((momentum_.empty() ? 3 : 5) * sizeof(T), {p.numel()});  // reads p, g, writes p; reads and writes b
    kernels::sgd_step(p.data(), static_cast<const T*>(g.data()), momentum_.empty() ? nullptr : momentum_[i].data(),
                      p.numel(), this->lr_, options_.momentum, options_.dampening, options_.weight_decay,
                      options_.nesterov, step_.empty() ? this->steps_ : count_step(i));
  }
  void check_state(std::size_t i) const override {
    if (!step_.empty()) step_[i].check(i);
  }
  /// The number of this step; one that begins with a momentum is not the first.
  Index count_step(std::size_t i) {
    const bool goes_on = step_[i].is_zero() && this->any_nonzero(momentum_[i]);
    return step_[i].advance() + goes_on;
  }

  SGDOptions options_;
  std::vector<Tensor<T>> momentum_;
  std::vector<StepCount<T>> step_;
};

GLOSS_INSTANTIATE(class SGD<float>)
GLOSS_INSTANTIATE(class SGD<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
