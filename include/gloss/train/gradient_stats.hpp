// Numbers of each parameter's gradient, to see what learns too fast, too slowly or not at all.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Of one parameter; sums are in double.
struct GradientStats {
  std::string name;
  bool has_gradient = false;  // no backward has reached it, or it is frozen; then only weight_norm is there
  double weight_norm = 0;     // 2-norm of the weights
  double norm = 0;            // 2-norm of the gradient
  double mean = 0;
  double std = 0;        // the deviation of all elements from the mean
  double largest = 0;    // magnitude
  double zeros = 0;      // share of elements that are 0
  Index not_finite = 0;  // how many are infinite or NaN; those count in nothing else
};

/// Of every parameter of a model, between backward() and zero_grad(): in fit that is before_step.
template <Real T>
std::vector<GradientStats> gradient_stats(const nn::Module<T>& model) {
  const auto norm_of = [](const Tensor<T>& x) {
    double squares = 0;
    for (Index i = 0; i < x.numel(); ++i)
      squares += static_cast<double>(x.data()[i]) * static_cast<double>(x.data()[i]);
    return std::sqrt(squares);
  };
  std::vector<GradientStats> out;
  for (const auto& [name, parameter] : model.named_parameters()) {
    GradientStats s{.name = name, .weight_norm = norm_of(parameter.detach().contiguous())};
    if (parameter.grad().defined()) {
      s.has_gradient = true;
      const Tensor<T> g = parameter.grad().detach().contiguous();
      double sum = 0, squares = 0;
      Index finite = 0, zeros = 0;
      for (Index i = 0; i < g.numel(); ++i) {
        const auto v = static_cast<double>(g.data()[i]);
        if (!std::isfinite(v)) continue;
        ++finite;
        zeros += v == 0;
        sum += v;
        squares += v * v;
        s.largest = (std::max)(s.largest, std::abs(v));
      }
      s.not_finite = g.numel() - finite;
      s.norm = std::sqrt(squares);
      if (finite > 0) {
        const auto n = static_cast<double>(finite);
        s.mean = sum / n;
        s.std = std::sqrt((std::max)(squares / n - s.mean * s.mean, 0.0));
        s.zeros = static_cast<double>(zeros) / n;
      }
    }
    out.push_back(s);
  }
  return out;
}

}  // namespace gloss::inline GLOSS_ABI::train
