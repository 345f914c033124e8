// Adam and AdamW.
#pragma once

#include <array>
#include <span>
#include <vector>

#include <gloss/kernels/adam.hpp>
#include <gloss/optim/moments.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;              // times the parameter, added to the gradient
  bool decoupled_weight_decay = false;  // instead p *= 1 - lr * weight_decay
  bool amsgrad = false;                 // divides by the largest v so far
  bool maximize = false;                // climbs
};

/// With t the number of steps that a parameter has had a gradient in:
/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), in one
/// pass. With maximize that is p += ..., and m is the negative of PyTorch's.
/// Errors: Error for values out of range.
/// Source: Kingma and Ba 2015; paper 5.3. amsgrad: Reddi et al. 2018.
/// PyTorch: torch.optim.Adam
template <Real T>
class Adam : public detail::MomentOptimizer<T, AdamOptions> {
 public:
  using Group = ParameterGroup<T, AdamOptions>;

 protected:
  GLOSS_COLD explicit Adam(std::span<const Group> groups) : detail::MomentOptimizer<T, AdamOptions>("Adam", groups) {
    for (const AdamOptions& options : this->options_) {
      this->check_betas(options.betas);
      detail::check_option("Adam", "eps", options.eps);
      detail::check_option("Adam", "weight_decay", options.weight_decay);
    }
    this->keep(0, "exp_avg");
    this->keep(1, "exp_avg_sq");
    this->keep(2, "max_exp_avg_sq", [](const AdamOptions& o) { return o.amsgrad; });
  }

 public:
  Adam(const std::vector<Group>& groups) : Adam(std::span<const Group>(groups)) {}
  // The last of the constructors, because GCC's list of candidates begins with it.
  Adam(std::vector<Tensor<T>> parameters, AdamOptions options = {})
      : Adam(detail::one(Group{std::move(parameters), options})) {}
  void set_momentum(double momentum) override {
    detail::check_part("Adam", "beta", momentum);
    for (AdamOptions& options : this->options_) options.betas[0] = momentum;
  }

 private:
  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("Adam");
    const AdamOptions& o = this->options_of(i);
    if (scope) scope.bytes((o.amsgrad ? 9 : 7) * sizeof(T), {p.numel()});  // reads p, g, m, v, writes p, m, v
    kernels::adam_step(p.data(), static_cast<const T*>(g.data()), this->moment(0, i), this->moment(1, i), p.numel(),
                       this->lr_of(i), o.betas[0], o.betas[1], o.eps, o.weight_decay, o.decoupled_weight_decay,
                       this->step_[i].advance(), o.maximize, this->moment(2, i));
  }
};

struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  // p *= 1 - lr * weight_decay
  bool amsgrad = false;        // divides by the largest v so far
  bool maximize = false;       // climbs
};

/// Adam whose weight decay does not pass through m and v: it shrinks the parameter before the step.
/// Errors: Error for values out of range.
/// Source: Loshchilov and Hutter 2019.
/// PyTorch: torch.optim.AdamW
template <Real T>
class AdamW final : public Adam<T> {
 public:
  using Group = ParameterGroup<T, AdamWOptions>;
  AdamW(std::vector<Tensor<T>> parameters, AdamWOptions options = {})
      : Adam<T>(detail::one(as_adam(Group{std::move(parameters), options}))) {}
  AdamW(const std::vector<Group>& groups) : Adam<T>(as_adam(groups)) {}

 private:
  static typename Adam<T>::Group as_adam(Group group) {
    const AdamWOptions& o = group.options;
    return {std::move(group.parameters),
            {.lr = o.lr,
             .betas = o.betas,
             .eps = o.eps,
             .weight_decay = o.weight_decay,
             .decoupled_weight_decay = true,
             .amsgrad = o.amsgrad,
             .maximize = o.maximize}};
  }
  static std::vector<typename Adam<T>::Group> as_adam(const std::vector<Group>& groups) {
    std::vector<typename Adam<T>::Group> out;
    for (const Group& group : groups) out.push_back(as_adam(group));
    return out;
  }
};

GLOSS_INSTANTIATE(class detail::MomentOptimizer<float, AdamOptions>)
GLOSS_INSTANTIATE(class detail::MomentOptimizer<double, AdamOptions>)
GLOSS_INSTANTIATE(class Adam<float>)
GLOSS_INSTANTIATE(class AdamW<float>)
GLOSS_INSTANTIATE(class Adam<double>)
GLOSS_INSTANTIATE(class AdamW<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
