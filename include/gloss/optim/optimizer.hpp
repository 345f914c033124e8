// What every optimizer shares: the parameters, the learning rate, the state that a checkpoint keeps.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// Holds handles to the parameters it updates in place.
/// PyTorch: torch.optim.Optimizer
template <Real T>
class Optimizer {
 public:
  Optimizer(std::vector<Tensor<T>> parameters, double lr) : lr_(lr), parameters_(std::move(parameters)) {
    if (!(lr >= 0)) fail("optimizer: learning rate ", lr, " is negative");
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (!parameters_[i].requires_grad() || !parameters_[i].is_leaf())
        fail<GradError>("optimizer: parameter ", i, " is not a leaf that requires a gradient");
  }
  virtual ~Optimizer() = default;

  /// One update from the gathered gradients; a parameter without one stays.
  virtual void step() = 0;
  /// Forgets the gradients.
  void zero_grad() {
    for (const Tensor<T>& p : parameters_) p.zero_grad();
  }

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
  double lr_;
  Index steps_ = 0;
  std::vector<Tensor<T>> parameters_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
