// Bounds on gradients before a step.
#pragma once

#include <cmath>
#include <vector>

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// The joint 2-norm of all gradients; of none 0.
/// PyTorch: torch.nn.utils.get_total_norm
template <Real T>
double grad_norm(const std::vector<Tensor<T>>& parameters) {
  const NoGradGuard no_grad;
  double total = 0;
  for (const Tensor<T>& p : parameters)
    if (const Tensor<T> g = p.grad(); g.defined()) total += static_cast<double>(sum(pow(g, 2)).item());
  return std::sqrt(total);
}

/// Limits each element of all gradients to [-max_value, max_value].
/// Errors: Error for a max_value that is negative or NaN.
/// PyTorch: torch.nn.utils.clip_grad_value_
template <Real T>
void clip_grad_value_(const std::vector<Tensor<T>>& parameters, double max_value) {
  if (!(max_value >= 0)) fail("clip_grad_value_: max_value ", max_value, " is not a number of at least 0");
  const NoGradGuard no_grad;
  for (const Tensor<T>& p : parameters)
    if (const Tensor<T> g = p.grad(); g.defined()) p.set_grad(clamp(g, -max_value, max_value));
}

/// Scales all gradients so that their joint 2-norm is at most max_norm; returns the norm before. If that is infinite or
/// NaN, so is the scaling: by 0 or NaN.
/// Errors: Error for a max_norm that is negative or NaN.
/// PyTorch: torch.nn.utils.clip_grad_norm_
template <Real T>
double clip_grad_norm_(const std::vector<Tensor<T>>& parameters, double max_norm) {
  if (!(max_norm >= 0)) fail("clip_grad_norm_: max_norm ", max_norm, " is not a number of at least 0");
  NoGradGuard no_grad;
  const ProfileScope scope("clip_grad_norm_");
  const double norm = grad_norm(parameters), scale = max_norm / (norm + 1e-6);
  if (!(scale >= 1)) {
    std::vector<Tensor<T>> scaled;  // all, before the first is changed
    for (const Tensor<T>& p : parameters) {
      const Tensor<T> g = p.grad();
      scaled.push_back(g.defined() ? g * scale : g);
    }
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (scaled[i].defined()) parameters[i].set_grad(scaled[i]);
  }
  return norm;
}

}  // namespace gloss::inline GLOSS_ABI::optim
