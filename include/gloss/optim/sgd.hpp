// Stochastic gradient descent.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include <gloss/kernels/adam.hpp>
#include <gloss/optim/moments.hpp>

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
class SGD final : public detail::MomentOptimizer<T, SGDOptions> {
 public:
  using Group = ParameterGroup<T, SGDOptions>;
  SGD(std::vector<Tensor<T>> parameters, SGDOptions options = {})
      : SGD(detail::one(Group{std::move(parameters), options})) {}
  SGD(const std::vector<Group>& groups) : SGD(std::span<const Group>(groups)) {}

  void set_momentum(double momentum) override {
    detail::check_option("SGD", "momentum", momentum);
    for (std::size_t i = 0; i < this->parameters_.size(); ++i)
      if (this->moment(0, i)) this->options_[this->group_of(i)].momentum = momentum;
  }

 private:
  GLOSS_COLD explicit SGD(std::span<const Group> groups) : detail::MomentOptimizer<T, SGDOptions>("SGD", groups) {
    for (const SGDOptions& options : this->options_) {
      detail::check_option("SGD", "momentum", options.momentum);
      detail::check_option("SGD", "weight_decay", options.weight_decay);
      if (!std::isfinite(options.dampening)) fail("SGD: dampening ", options.dampening, " is not a finite number");
      if (options.nesterov && (options.momentum <= 0 || options.dampening != 0))
        fail("SGD: nesterov needs a momentum and no dampening");
    }
    this->keep(0, "momentum", [](const SGDOptions& o) { return o.momentum != 0; });
  }

  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("SGD");
    T* const momentum = this->moment(0, i);
    if (scope) scope.bytes((momentum ? 5 : 3) * sizeof(T), {p.numel()});  // reads p, g, writes p; reads and writes b
    const SGDOptions& o = this->options_of(i);
    kernels::sgd_step(p.data(), static_cast<const T*>(g.data()), momentum, p.numel(), this->lr_of(i), o.momentum,
                      o.dampening, o.weight_decay, o.nesterov, momentum ? count_step(i) : this->steps_, o.maximize);
  }
  void check_state(std::size_t i) const override { this->step_[i].check(i); }
  /// The number of this step; one that begins with a momentum is not the first.
  Index count_step(std::size_t i) {
    const bool goes_on = this->step_[i].is_zero() && this->any_nonzero(this->moments_[0].of[i]);
    return this->step_[i].advance() + goes_on;
  }
};

GLOSS_INSTANTIATE(class SGD<float>)
GLOSS_INSTANTIATE(class SGD<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
