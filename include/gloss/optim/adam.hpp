// Adam and AdamW.
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gloss/kernels/adam.hpp>
#include <gloss/optim/optimizer.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;              // times the parameter, added to the gradient
  bool decoupled_weight_decay = false;  // instead p *= 1 - lr * weight_decay
};

/// With t the number of steps that a parameter has had a gradient in:
/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), in one
/// pass.
/// Errors: Error for values out of range.
/// Source: Kingma and Ba 2015; paper 5.3.
/// PyTorch: torch.optim.Adam
template <Real T>
class Adam : public Optimizer<T> {
 public:
  GLOSS_COLD Adam(std::vector<Tensor<T>> parameters, AdamOptions options = {})
      : Optimizer<T>(std::move(parameters), options.lr), options_(options) {
    for (double beta : options.betas)
      if (!(beta >= 0 && beta < 1)) fail("Adam: beta ", beta, " is not in [0, 1)");
    detail::check_option("Adam", "eps", options.eps);
    detail::check_option("Adam", "weight_decay", options.weight_decay);
    for (const Tensor<T>& p : this->parameters_) {
      exp_avg_.push_back(zeros<T>(p.shape()));
      exp_avg_sq_.push_back(zeros<T>(p.shape()));
    }
    step_ = std::vector<StepCount<T>>(this->parameters_.size());
  }

  GLOSS_COLD typename Optimizer<T>::Named state() override {
    typename Optimizer<T>::Named out;
    for (std::size_t i = 0; i < exp_avg_.size(); ++i) {
      const auto add = [&](const char* what, const Tensor<T>& x) { out.emplace_back(std::to_string(i) + what, x); };
      add(".exp_avg", exp_avg_[i]);
      add(".exp_avg_sq", exp_avg_sq_[i]);
      add(".step", step_[i].tensor());
    }
    return out;
  }

 private:
  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("Adam");
    if (scope) scope.bytes(7 * sizeof(T), {p.numel()});  // reads p, g, m, v, writes p, m, v
    kernels::adam_step(p.data(), static_cast<const T*>(g.data()), exp_avg_[i].data(), exp_avg_sq_[i].data(), p.numel(),
                       this->lr_, options_.betas[0], options_.betas[1], options_.eps, options_.weight_decay,
                       options_.decoupled_weight_decay, step_[i].advance());
  }
  void check_state(std::size_t i) const override {
    step_[i].check(i);
    if (step_[i].is_zero() && (this->any_nonzero(exp_avg_[i]) || this->any_nonzero(exp_avg_sq_[i])))
      fail("Adam: parameter ", i, " has averages, but its step is 0: restore the whole state");
  }

  AdamOptions options_;
  std::vector<Tensor<T>> exp_avg_, exp_avg_sq_;
  std::vector<StepCount<T>> step_;
};

struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  // p *= 1 - lr * weight_decay
};

/// Adam whose weight decay does not pass through m and v: it shrinks the parameter before the step.
/// Errors: Error for values out of range.
/// Source: Loshchilov and Hutter 2019.
/// PyTorch: torch.optim.AdamW
template <Real T>
class AdamW final : public Adam<T> {
 public:
  AdamW(std::vector<Tensor<T>> parameters, AdamWOptions options = {})
      : Adam<T>(std::move(parameters), {.lr = options.lr,
                                        .betas = options.betas,
                                        .eps = options.eps,
                                        .weight_decay = options.weight_decay,
                                        .decoupled_weight_decay = true}) {}
};

GLOSS_INSTANTIATE(class Adam<float>)
GLOSS_INSTANTIATE(class AdamW<float>)
GLOSS_INSTANTIATE(class Adam<double>)
GLOSS_INSTANTIATE(class AdamW<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
