// Schedule-Free AdamW.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <gloss/kernels/schedule_free.hpp>
#include <gloss/optim/moments.hpp>

namespace gloss::inline GLOSS_ABI::optim {

struct ScheduleFreeAdamWOptions {
  double lr = 2.5e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  Index warmup_steps = 0;  // in which the rate rises to lr along a line
};

/// AdamW that needs no schedule: z goes AdamW's way, x is the average of all z, weighed by the square of the largest
/// rate so far, and the model has y = b1 x + (1 - b1) z, where the gradients are taken. It is evaluated and saved with
/// x, between eval() and train():
///   optim.eval(), model.eval();  ...  optim.train(), model.train();
/// Errors: Error for values out of range, and when step() or state() is called between eval() and train().
/// Source: Defazio et al. 2024; schedulefree.AdamWScheduleFree.
template <Real T>
class ScheduleFreeAdamW final : public detail::MomentOptimizer<T, ScheduleFreeAdamWOptions> {
 public:
  using Group = ParameterGroup<T, ScheduleFreeAdamWOptions>;
  ScheduleFreeAdamW(std::vector<Tensor<T>> parameters, ScheduleFreeAdamWOptions options = {})
      : ScheduleFreeAdamW(detail::one(Group{std::move(parameters), options})) {}
  ScheduleFreeAdamW(const std::vector<Group>& groups) : ScheduleFreeAdamW(std::span<const Group>(groups)) {}

  /// Puts x into the parameters: for evaluation, and for the file of the model.
  void eval() { change(true); }
  /// Puts y back: for training.
  void train() { change(false); }

  GLOSS_COLD typename Optimizer<T>::Named state() override {
    check_trains("state");
    auto out = detail::MomentOptimizer<T, ScheduleFreeAdamWOptions>::state();
    for (std::size_t i = 0; i < weights_.size(); ++i) out.emplace_back(std::to_string(i) + ".weights", weights_[i]);
    return out;
  }
  void step() override {
    check_trains("step");
    Optimizer<T>::step();
  }

 private:
  GLOSS_COLD explicit ScheduleFreeAdamW(std::span<const Group> groups)
      : detail::MomentOptimizer<T, ScheduleFreeAdamWOptions>("ScheduleFreeAdamW", groups) {
    for (const ScheduleFreeAdamWOptions& options : this->options_) {
      this->check_betas(options.betas);
      if (options.betas[0] == 0) fail("ScheduleFreeAdamW: the first beta must not be 0");
      detail::check_option("ScheduleFreeAdamW", "eps", options.eps);
      detail::check_option("ScheduleFreeAdamW", "weight_decay", options.weight_decay);
      if (options.warmup_steps < 0) fail("ScheduleFreeAdamW: warmup_steps ", options.warmup_steps, " is negative");
    }
    this->keep(0, "exp_avg_sq");
    this->keep(1, "z");
    const NoGradGuard no_grad;
    for (std::size_t i = 0; i < this->parameters_.size(); ++i) {
      this->moments_[1].of[i].copy_(this->parameters_[i].detach());
      weights_.push_back(zeros<T>({2}));
    }
  }

  void check_trains(const char* what) const {
    if (evaluates_) fail("ScheduleFreeAdamW: ", what, "() after eval(): call train() first");
  }
  GLOSS_COLD void change(bool evaluates) {
    if (evaluates_ == evaluates) return;
    const NoGradGuard no_grad;
    for (std::size_t i = 0; i < this->parameters_.size(); ++i) {
      if (this->step_[i].is_zero()) continue;  // x, y and z are the same
      const double beta = this->options_of(i).betas[0], part = evaluates ? 1 - 1 / beta : 1 - beta;
      const Tensor<T>&p = this->parameters_[i], dense = p.contiguous();
      kernels::towards(dense.data(), this->moment(1, i), p.numel(), static_cast<T>(part));
      if (!p.is_contiguous()) p.copy_(dense);
      p.mark_changed("an optimizer");
    }
    evaluates_ = evaluates;
  }
  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("ScheduleFreeAdamW");
    if (scope) scope.bytes(7 * sizeof(T), {p.numel()});  // reads y, g, z, v, writes y, z, v
    const ScheduleFreeAdamWOptions& o = this->options_of(i);
    const Index step = this->step_[i].advance();
    const double warm = o.warmup_steps > step ? static_cast<double>(step) / static_cast<double>(o.warmup_steps) : 1;
    const double lr = this->lr_of(i) * warm;
    T &largest = weights_[i].data()[0], &sum = weights_[i].data()[1];
    largest = (std::max)(largest, static_cast<T>(lr));
    sum += largest * largest;
    const double weight = sum > 0 ? static_cast<double>(largest * largest / sum) : 0;
    kernels::schedule_free_step(p.data(), static_cast<const T*>(g.data()), this->moment(1, i), this->moment(0, i),
                                p.numel(), lr, weight, o.betas[0], o.betas[1], o.eps, o.weight_decay, step);
  }
  void check_state(std::size_t i) const override { this->step_[i].check(i); }  // z is there before the first step

  std::vector<Tensor<T>> weights_;  // of each parameter: the largest rate so far, and the sum of its squares
  bool evaluates_ = false;
};

}  // namespace gloss::inline GLOSS_ABI::optim
