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
/// Copies numbers into the tensors of the same names.
/// Errors: LoadError for a name that is missing, unknown or there twice, and for another shape; then nothing is
/// changed.
template <Real T>
GLOSS_COLD void fill_state(const std::vector<std::pair<std::string, Tensor<T>>>& own,
                           const std::vector<std::pair<std::string, Tensor<T>>>& from, const char* whose) {
  const auto find = [](const auto& list, const std::string& name) -> const Tensor<T>* {
    for (const auto& [other, tensor] : list)
      if (other == name) return &tensor;
    return nullptr;
  };
  for (const auto& [name, tensor] : from) {
    const Tensor<T>* const to = find(own, name);
    if (!to) fail<LoadError>("load_state: the ", whose, " has no ", name);
    if (find(from, name) != &tensor) fail<LoadError>("load_state: ", name, " is there twice");
    if (tensor.shape() != to->shape())
      fail<LoadError>("load_state: ", name, " has shape ", tensor.shape(), ", the ", whose, "'s has ", to->shape());
  }
  for (const auto& [name, tensor] : own)
    if (!find(from, name)) fail<LoadError>("load_state: ", name, " is missing");
  for (auto [name, tensor] : own) tensor.copy_(find(from, name)->detach());
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
/// Parameters may be in groups, each with a rate of its own (optim/parameter_group.hpp); most have one group.
/// PyTorch: torch.optim.Optimizer
template <Real T>
class Optimizer {
 public:
  Optimizer(const std::vector<Tensor<T>>& parameters, double lr) {
    add_group(parameters, lr);
    check_parameters();
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

  /// How many groups the parameters are in.
  Index num_groups() const { return static_cast<Index>(lr_.size()); }
  /// The learning rate of the next step, of a group.
  /// Errors: IndexError when there is no such group.
  double lr(Index group = 0) const { return lr_[checked(group)]; }
  /// Of all groups.
  /// Errors: Error when it is negative, infinite or NaN.
  void set_lr(double lr) {
    for (Index group = 0; group < num_groups(); ++group) set_lr(lr, group);
  }
  /// Of one group.
  /// Errors: likewise, and IndexError when there is no such group.
  void set_lr(double lr, Index group) {
    detail::check_option("optimizer", "learning rate", lr);
    lr_[checked(group)] = lr;
  }
  /// What schedules scale: a group's rate when the first of them was made. PyTorch: param_groups[i]["initial_lr"]
  double initial_lr(Index group = 0) {
    if (initial_lr_.empty()) initial_lr_ = lr_;
    return initial_lr_[checked(group)];
  }
  /// The momentum of the next step, of all groups that have one: SGD's, and the first beta of Adam and its kin.
  virtual void set_momentum(double /*momentum*/) {}
  const std::vector<Tensor<T>>& parameters() const { return parameters_; }

  /// Everything but the parameters and lr that the next step depends on: tensors by name ("0.exp_avg", ...). They share
  /// memory with the optimizer, so filling them restores it; load_state does so and compares names and shapes.
  using Named = std::vector<std::pair<std::string, Tensor<T>>>;
  virtual Named state() { return {}; }
  /// Copies the numbers of another optimizer's state(), of the same kind and for the same parameters.
  /// Errors: LoadError for a name that is missing, unknown or there twice, and for another shape; then nothing is
  /// changed.
  /// PyTorch: load_state_dict
  virtual void load_state(const Named& from) { detail::fill_state<T>(state(), from, "optimizer"); }
  /// Number of steps taken.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }

 protected:
  /// For an optimizer of several groups: add_group for each, then check_parameters.
  Optimizer() = default;
  GLOSS_COLD void add_group(const std::vector<Tensor<T>>& parameters, double lr) {
    lr_.push_back(0);
    set_lr(lr, num_groups() - 1);
    for (const Tensor<T>& p : parameters) {
      parameters_.push_back(p);
      group_.push_back(num_groups() - 1);
    }
  }
  GLOSS_COLD void check_parameters() const {
    bool any = parameters_.empty();
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      gloss::detail::check_no_overlap("optimizer", gloss::detail::body_of("optimizer", parameters_[i]));
      if (!parameters_[i].is_leaf()) fail<GradError>("optimizer: parameter ", i, " is not a leaf");
      any = any || parameters_[i].requires_grad();
      for (std::size_t j = 0; j < i; ++j)
        if (parameters_[i].is_same(parameters_[j])) {
          if (group_[i] == group_[j]) fail("optimizer: parameters ", j, " and ", i, " are the same");
          fail("optimizer: parameters ", j, " and ", i, " are the same, in groups ", group_[j], " and ", group_[i]);
        }
    }
    if (!any) fail<GradError>("optimizer: no parameter requires a gradient");
  }
  /// Changes the numbers p of parameter i, given their gradient; both are dense.
  virtual void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) = 0;
  /// Errors: Error when a step cannot go on from what was restored of parameter i.
  virtual void check_state(std::size_t /*i*/) const {}
  static bool any_nonzero(const Tensor<T>& x) {
    const T* const data = x.data();
    return std::any_of(data, data + x.numel(), [](T v) { return v != 0; });
  }

  /// The group that parameter i is in, and its rate.
  std::size_t group_of(std::size_t i) const { return static_cast<std::size_t>(group_[i]); }
  double lr_of(std::size_t i) const { return lr_[group_of(i)]; }

  std::vector<double> lr_, initial_lr_;  // of each group; no initial ones before the first schedule
  std::vector<Index> group_;             // of each parameter
  Index steps_ = 0;
  std::vector<Tensor<T>> parameters_;

 private:
  std::size_t checked(Index group) const {
    if (group < 0 || group >= num_groups())
      fail<IndexError>("optimizer: group ", group, " is not among ", num_groups());
    return static_cast<std::size_t>(group);
  }
};

GLOSS_INSTANTIATE(class Optimizer<float>)
GLOSS_INSTANTIATE(class Optimizer<double>)

}  // namespace gloss::inline GLOSS_ABI::optim
