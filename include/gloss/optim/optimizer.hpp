// What every optimizer shares: the parameters, the learning rate, the state that a checkpoint keeps.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// How often a parameter was updated: an exact integer and, because a checkpoint holds tensors, its value in T. Filling
/// that tensor restores the count.
template <Real T>
class StepCount {
 public:
  const Tensor<T>& tensor() const { return tensor_; }
  /// One more; returns how many there are now.
  Index advance() {
    T& stored = *tensor_.data();
    if (stored != static_cast<T>(exact_)) exact_ = static_cast<Index>(stored);  // it was restored
    stored = static_cast<T>(++exact_);
    return exact_;
  }

 private:
  Index exact_ = 0;
  Tensor<T> tensor_ = zeros<T>({});
};

/// Holds handles to the parameters it updates in place, and passes over those that are frozen.
/// Errors: GradError for a parameter that is not a leaf, or when all are frozen; Error for a negative learning rate.
/// An optimizer says in update() what happens to one parameter.
/// PyTorch: torch.optim.Optimizer
template <Real T>
class Optimizer {
 public:
  Optimizer(std::vector<Tensor<T>> parameters, double lr) : lr_(lr), parameters_(std::move(parameters)) {
    if (!(lr >= 0)) fail("optimizer: learning rate ", lr, " is negative");
    bool any = parameters_.empty();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (!parameters_[i].is_leaf()) fail<GradError>("optimizer: parameter ", i, " is not a leaf");
      any = any || parameters_[i].requires_grad();
    }
    if (!any) fail<GradError>("optimizer: no parameter requires a gradient");
  }
  virtual ~Optimizer() = default;

  /// One update from the gathered gradients; a parameter without one stays.
  virtual void step() {
    NoGradGuard no_grad;
    ++steps_;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const Tensor<T>& p = parameters_[i];
      const Tensor<T> g = p.grad();
      if (!g.defined()) continue;
      update(i, p, g.contiguous());
      p.mark_changed("an optimizer");
    }
  }
  /// Forgets the gradients.
  void zero_grad() {
    for (const Tensor<T>& p : parameters_) p.zero_grad();
  }

  /// The learning rate of the next step.
  double lr() const { return lr_; }
  void set_lr(double lr) { lr_ = lr; }
  const std::vector<Tensor<T>>& parameters() const { return parameters_; }

  /// Everything but the parameters and lr that the next step depends on: tensors by name ("0.exp_avg", ...). They share
  /// memory with the optimizer, so filling them restores it.
  using Named = std::vector<std::pair<std::string, Tensor<T>>>;
  virtual Named state() { return {}; }
  /// Number of steps taken.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }

 protected:
  /// Changes parameter i, given its gradient, which is dense.
  virtual void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) = 0;

  double lr_;
  Index steps_ = 0;
  std::vector<Tensor<T>> parameters_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
