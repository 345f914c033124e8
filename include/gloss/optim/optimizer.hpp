// What every optimizer shares: the parameters, the learning rate, the state that a checkpoint keeps.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::optim {

namespace detail {
/// Errors: Error unless the option is a finite number of at least 0.
GLOSS_LAZY void check_option(const char* op, const char* name, double value) {
  if (!(value >= 0 && value <= (std::numeric_limits<double>::max)()))
    fail(op, ": ", name, " ", value, " is not a finite number of at least 0");
}
}  // namespace detail

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
/// Errors: GradError for a parameter that is not a leaf, or when all are frozen; Error for a learning rate that is
/// negative, infinite or NaN.
/// An optimizer says in update() what happens to one parameter.
/// PyTorch: torch.optim.Optimizer
template <Real T>
class Optimizer {
 public:
  Optimizer(std::vector<Tensor<T>> parameters, double lr) : parameters_(std::move(parameters)) {
    set_lr(lr);
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

  double lr() const { return lr_; }
  /// Errors: Error when it is negative, infinite or NaN.
  void set_lr(double lr) {
    detail::check_option("optimizer", "learning rate", lr);
    lr_ = lr;
  }
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

  double lr_ = 0;
  Index steps_ = 0;
  std::vector<Tensor<T>> parameters_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
