// Adagrad.
#pragma once

#include <span>
#include <vector>

#include <gloss/kernels/rmsprop.hpp>
#include <gloss/optim/moments.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;               // added to the gradient
  double initial_accumulator_value = 0;  // what sum begins with
  double eps = 1e-10;
  bool maximize = false;  // climbs
};

/// sum += g^2, p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps), with t the number of steps that a parameter has
/// had a gradient in. With maximize that is p += ...
/// Errors: Error for values out of range.
/// Source: Duchi, Hazan and Singer 2011.
/// PyTorch: torch.optim.Adagrad
template <Real T>
class Adagrad final : public detail::MomentOptimizer<T, AdagradOptions> {
 public:
  using Group = ParameterGroup<T, AdagradOptions>;
  Adagrad(std::vector<Tensor<T>> parameters, AdagradOptions options = {})
      : Adagrad(detail::one(Group{std::move(parameters), options})) {}
  Adagrad(const std::vector<Group>& groups) : Adagrad(std::span<const Group>(groups)) {}

 private:
  GLOSS_COLD explicit Adagrad(std::span<const Group> groups)
      : detail::MomentOptimizer<T, AdagradOptions>("Adagrad", groups) {
    for (const AdagradOptions& options : this->options_) {
      detail::check_option("Adagrad", "lr_decay", options.lr_decay);
      detail::check_option("Adagrad", "weight_decay", options.weight_decay);
      detail::check_option("Adagrad", "initial_accumulator_value", options.initial_accumulator_value);
      detail::check_option("Adagrad", "eps", options.eps);
    }
    this->keep(0, "sum");
    for (std::size_t i = 0; i < this->parameters_.size(); ++i)
      this->moments_[0].of[i].fill_(static_cast<T>(this->options_of(i).initial_accumulator_value));
  }

  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("Adagrad");
    if (scope) scope.bytes(5 * sizeof(T), {p.numel()});  // reads p, g, sum, writes p, sum
    const AdagradOptions& o = this->options_of(i);
    const double lr = this->lr_of(i) / (1 + static_cast<double>(this->step_[i].advance() - 1) * o.lr_decay);
    kernels::adagrad_step(p.data(), static_cast<const T*>(g.data()), this->moment(0, i), p.numel(), lr, o.eps,
                          o.weight_decay, o.maximize);
  }
  void check_state(std::size_t i) const override { this->step_[i].check(i); }  // a sum may be there before a step
};

}  // namespace gloss::inline GLOSS_ABI::optim
