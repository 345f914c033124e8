// A learning rate given by any function of the step.
#pragma once

#include <utility>

#include <gloss/optim/optimizer.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// lr = base lr * f(number of step() calls so far); f(0) holds from construction. step() comes after optimizer.step().
/// The base is the optimizer's rate when its first schedule was made: a second one does not multiply with the first.
/// PyTorch: torch.optim.lr_scheduler.LambdaLR
template <Real T, class F>
class LambdaLR {
 public:
  LambdaLR(Optimizer<T>& optimizer, F f) : optimizer_(&optimizer), f_(std::move(f)), base_lr_(optimizer.initial_lr()) {
    set(0);
  }
  void step() { set(steps_ + 1); }
  Index steps() const { return steps_; }
  /// Jumps, when training resumes.
  void set_steps(Index steps) { set(steps); }
  double lr() const { return optimizer_->lr(); }

 private:
  void set(Index steps) {
    steps_ = steps;
    optimizer_->set_lr(base_lr_ * static_cast<double>(f_(steps)));
  }
  Optimizer<T>* optimizer_;
  F f_;
  double base_lr_;
  Index steps_ = 0;
};
template <template <class> class O, class T, class F>
LambdaLR(O<T>&, F) -> LambdaLR<T, F>;

}  // namespace gloss::inline GLOSS_ABI::optim
