// Lion.
#pragma once

#include <array>
#include <span>
#include <vector>

#include <gloss/kernels/lion.hpp>
#include <gloss/optim/moments.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct LionOptions {
  double lr = 1e-4;
  std::array<double, 2> betas = {0.9, 0.99};
  double weight_decay = 0;
};

/// p -= lr (sign(b1 m + (1 - b1) g) + weight_decay p), and then m = b2 m + (1 - b2) g. Every element moves by lr, so lr
/// is a third to a tenth of AdamW's, and weight_decay three to ten times it.
/// Errors: Error for values out of range.
/// Source: Chen et al. 2023.
template <Real T>
class Lion final : public detail::MomentOptimizer<T, LionOptions> {
 public:
  using Group = ParameterGroup<T, LionOptions>;
  Lion(std::vector<Tensor<T>> parameters, LionOptions options = {})
      : Lion(detail::one(Group{std::move(parameters), options})) {}
  Lion(const std::vector<Group>& groups) : Lion(std::span<const Group>(groups)) {}
  void set_momentum(double momentum) override {
    detail::check_part("Lion", "beta", momentum);
    for (LionOptions& options : this->options_) options.betas[0] = momentum;
  }

 private:
  GLOSS_COLD explicit Lion(std::span<const Group> groups) : detail::MomentOptimizer<T, LionOptions>("Lion", groups) {
    for (const LionOptions& options : this->options_) {
      this->check_betas(options.betas);
      detail::check_option("Lion", "weight_decay", options.weight_decay);
    }
    this->keep(0, "exp_avg");
  }

  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("Lion");
    if (scope) scope.bytes(5 * sizeof(T), {p.numel()});  // reads p, g, m, writes p, m
    const LionOptions& o = this->options_of(i);
    kernels::lion_step(p.data(), static_cast<const T*>(g.data()), this->moment(0, i), p.numel(), this->lr_of(i),
                       o.betas[0], o.betas[1], o.weight_decay);
    this->step_[i].advance();
  }
};

}  // namespace gloss::inline GLOSS_ABI::optim
