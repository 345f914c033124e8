// What every optimizer shares: the parameters, the learning rate, the state that a checkpoint keeps.
#pragma once

#include <algorithm>
#include <cmath>
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
  bool is_zero() const { return stored() == T(0); }
  /// One more; returns how many there are now.
  Index advance() {
    if (stored() != static_cast<T>(exact_)) exact_ = static_cast<Index>(stored());  // it was restored
    stored() = static_cast<T>(++exact_);
    return exact_;
  }
  /// Errors: Error when what was restored is no count.
  void check(std::size_t i) const {
    if (!(stored() >= 0 && stored() < T(0x1p62) && stored() == std::floor(stored())))
      fail("optimizer: the step count of parameter ", i, " is ", stored());
  }

 private:
  T& stored() const { return *tensor_.data(); }

  Index exact_ = 0;
  Tensor<T> tensor_ = zeros<T>({});
};

/// Holds handles to the parameters it updates in place, and passes over those that are frozen.
/// Errors: GradError for a parameter that is not a leaf, or when all are frozen; ShapeError for one whose elements
/// share a place; Error for a learning rate that is negative, infinite or NaN and for a parameter that stands there
/// twice (Module::parameters() has tied ones once). An optimizer says in update() what happens to one parameter.
/// PyTorch: torch.optim.Optimizer
template <Real T>
class Optimizer {
 public:
  Optimizer(std::vector<Tensor<T>> parameters, double lr) : parameters_(std::move(parameters)) {
    set_lr(lr);
    bool any = parameters_.empty();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      gloss::detail::check_no_overlap("optimizer", gloss::detail::body_of("optimizer", parameters_[i]));
      if (!parameters_[i].is_leaf()) fail<GradError>("optimizer: parameter ", i, " is not a leaf");
      any = any || parameters_[i].requires_grad();
      for (std::size_t j = 0; j < i; ++j)
        if (parameters_[i].is_same(parameters_[j])) fail("optimizer: parameters ", j, " and ", i, " are the same");
    }
    if (!any) fail<GradError>("optimizer: no parameter requires a gradient");
  }
  virtual ~Optimizer() = default;

  /// One update from the gathered gradients; a parameter without one stays.
  /// Errors: Error when a restored state is not whole; then nothing is changed.
  virtual void step() {
    NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i].grad().defined()) check_state(i);
    std::vector<Tensor<T>> numbers, gradients;  // all, dense, before the first is changed
    numbers.reserve(parameters_.size());
    gradients.reserve(parameters_.size());
    for (const Tensor<T>& p : parameters_) {
      const Tensor<T> g = p.grad();
      numbers.push_back(g.defined() ? p.contiguous() : Tensor<T>{});
      gradients.push_back(g.defined() ? g.contiguous() : g);
    }
    ++steps_;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (!gradients[i].defined()) continue;
      update(i, numbers[i], gradients[i]);
      if (!parameters_[i].is_contiguous()) parameters_[i].copy_(numbers[i]);
      parameters_[i].mark_changed("an optimizer");
    }
  }
  /// Forgets the gradients.
  void zero_grad() {
    for (const Tensor<T>& p : parameters_) p.zero_grad();
  }

  /// The learning rate of the next step.
  double lr() const { return lr_; }
  /// Errors: Error when it is negative, infinite or NaN.
  void set_lr(double lr) {
    detail::check_option("optimizer", "learning rate", lr);
    lr_ = lr;
  }
  /// What schedules scale: the rate when the first of them was made. PyTorch: param_groups[0]["initial_lr"]
  double initial_lr() {
    if (!has_initial_lr_) initial_lr_ = lr_;
    has_initial_lr_ = true;
    return initial_lr_;
  }
  const std::vector<Tensor<T>>& parameters() const { return parameters_; }

  /// Everything but the parameters and lr that the next step depends on: tensors by name ("0.exp_avg", ...). They share
  /// memory with the optimizer, so filling them restores it; load_state does so and compares names and shapes.
  using Named = std::vector<std::pair<std::string, Tensor<T>>>;
  virtual Named state() { return {}; }
  /// Copies the numbers of another optimizer's state(), of the same kind and for the same parameters.
  /// Errors: LoadError for a name that is missing, unknown or there twice, and for another shape; then nothing is
  /// changed.
  /// PyTorch: load_state_dict
  GLOSS_COLD void load_state(const Named& from) {
    const auto find = [](const Named& list, const std::string& name) -> const Tensor<T>* {
      for (const auto& [other, tensor] : list)
        if (other == name) return &tensor;
      return nullptr;
    };
    const Named own = state();
    for (const auto& [name, tensor] : from) {
      const Tensor<T>* const to = find(own, name);
      if (!to) fail<LoadError>("load_state: the optimizer has no ", name);
      if (find(from, name) != &tensor) fail<LoadError>("load_state: ", name, " is there twice");
      if (tensor.shape() != to->shape())
        fail<LoadError>("load_state: ", name, " has shape ", tensor.shape(), ", the optimizer's has ", to->shape());
    }
    for (const auto& [name, tensor] : own)
      if (!find(from, name)) fail<LoadError>("load_state: ", name, " is missing");
    for (auto [name, tensor] : own) tensor.copy_(find(from, name)->detach());
  }
  /// Number of steps taken.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }

 protected:
  /// Changes the numbers p of parameter i, given their gradient; both are dense.
  virtual void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) = 0;
  /// Errors: Error when a step cannot go on from what was restored of parameter i.
  virtual void check_state(std::size_t /*i*/) const {}
  static bool any_nonzero(const Tensor<T>& x) {
    const T* const data = x.data();
    return std::any_of(data, data + x.numel(), [](T v) { return v != 0; });
  }

  double lr_ = 0;
  double initial_lr_ = 0;
  bool has_initial_lr_ = false;
  Index steps_ = 0;
  std::vector<Tensor<T>> parameters_;
};

GLOSS_INSTANTIATE(class Optimizer<float>)
GLOSS_INSTANTIATE(class Optimizer<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
