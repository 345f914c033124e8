// LAMB.
#pragma once

#include <array>
#include <span>
#include <vector>

#include <gloss/kernels/lamb.hpp>
#include <gloss/optim/moments.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct LambOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-6;
  double weight_decay = 0;
};

/// Adam's direction r = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + weight_decay p, with a length for each
/// parameter: p -= lr |p| / |r| r, for large batches. Where p or r is 0 the quotient is 1.
/// Errors: Error for values out of range.
/// Source: You et al. 2020, algorithm 2.
template <Real T>
class Lamb final : public detail::MomentOptimizer<T, LambOptions> {
 public:
  using Group = ParameterGroup<T, LambOptions>;
  Lamb(std::vector<Tensor<T>> parameters, LambOptions options = {})
      : Lamb(detail::one(Group{std::move(parameters), options})) {}
  Lamb(const std::vector<Group>& groups) : Lamb(std::span<const Group>(groups)) {}
  void set_momentum(double momentum) override {
    detail::check_part("Lamb", "beta", momentum);
    for (LambOptions& options : this->options_) options.betas[0] = momentum;
  }

 private:
  GLOSS_COLD explicit Lamb(std::span<const Group> groups) : detail::MomentOptimizer<T, LambOptions>("Lamb", groups) {
    for (const LambOptions& options : this->options_) {
      this->check_betas(options.betas);
      detail::check_option("Lamb", "eps", options.eps);
      detail::check_option("Lamb", "weight_decay", options.weight_decay);
    }
    this->keep(0, "exp_avg");
    this->keep(1, "exp_avg_sq");
  }

  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("Lamb");
    if (scope) scope.bytes(10 * sizeof(T), {p.numel()});  // reads p, g, m, v, writes m, v; reads p, m, v, writes p
    const LambOptions& o = this->options_of(i);
    kernels::lamb_step(p.data(), static_cast<const T*>(g.data()), this->moment(0, i), this->moment(1, i), p.numel(),
                       this->lr_of(i), o.betas[0], o.betas[1], o.eps, o.weight_decay, this->step_[i].advance());
  }
};

}  // namespace gloss::inline GLOSS_ABI::optim
