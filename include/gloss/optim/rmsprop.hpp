// RMSprop.
#pragma once

#include <span>
#include <vector>

#include <gloss/kernels/rmsprop.hpp>
#include <gloss/optim/moments.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient
  double momentum = 0;
  bool centered = false;  // divides by the deviation of the gradients, not by their size
  bool maximize = false;  // climbs
};

/// v = alpha v + (1 - alpha) g^2, u = g / (sqrt(v) + eps), p -= lr u; with momentum b = momentum b + u, p -= lr b;
/// centered has v - a^2 in place of v, a being the average of the gradients. With maximize that is p += ..., and a and
/// b are the negatives of PyTorch's.
/// Errors: Error for values out of range.
/// Source: Hinton 2012; centered: Graves 2013.
/// PyTorch: torch.optim.RMSprop
template <Real T>
class RMSprop final : public detail::MomentOptimizer<T, RMSpropOptions> {
 public:
  using Group = ParameterGroup<T, RMSpropOptions>;
  RMSprop(std::vector<Tensor<T>> parameters, RMSpropOptions options = {})
      : RMSprop(detail::one(Group{std::move(parameters), options})) {}
  RMSprop(const std::vector<Group>& groups) : RMSprop(std::span<const Group>(groups)) {}
  void set_momentum(double momentum) override {
    detail::check_option("RMSprop", "momentum", momentum);
    for (std::size_t i = 0; i < this->parameters_.size(); ++i)
      if (this->moment(2, i)) this->options_[this->group_of(i)].momentum = momentum;
  }

 private:
  GLOSS_COLD explicit RMSprop(std::span<const Group> groups)
      : detail::MomentOptimizer<T, RMSpropOptions>("RMSprop", groups) {
    for (const RMSpropOptions& options : this->options_) {
      detail::check_part("RMSprop", "alpha", options.alpha);
      detail::check_option("RMSprop", "eps", options.eps);
      detail::check_option("RMSprop", "weight_decay", options.weight_decay);
      detail::check_option("RMSprop", "momentum", options.momentum);
    }
    this->keep(0, "square_avg");
    this->keep(1, "grad_avg", [](const RMSpropOptions& o) { return o.centered; });
    this->keep(2, "momentum_buffer", [](const RMSpropOptions& o) { return o.momentum != 0; });
  }

  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("RMSprop");
    const RMSpropOptions& o = this->options_of(i);
    if (scope) scope.bytes((5 + 2 * o.centered + 2 * (this->moment(2, i) != nullptr)) * sizeof(T), {p.numel()});
    kernels::rmsprop_step(p.data(), static_cast<const T*>(g.data()), this->moment(0, i), this->moment(1, i),
                          this->moment(2, i), p.numel(), this->lr_of(i), o.alpha, o.eps, o.weight_decay, o.momentum,
                          o.maximize);
    this->step_[i].advance();
  }
};

}  // namespace gloss::inline GLOSS_ABI::optim
