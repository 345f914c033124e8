// Compares recorded gradients with central differences.
#pragma once

#include <cmath>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

struct GradcheckOptions {
  double eps = 1e-6;   // half the step of the difference
  double atol = 1e-6;  // absolute tolerance
  double rtol = 1e-4;  // tolerance relative to the numerical gradient
};

/// Checks d f(inputs) / d inputs for every input that requires a gradient, each element by a central difference. The
/// output is weighed with fixed odd numbers, so that a gradient that is only right in sum does not pass.
/// f takes the vector of inputs and returns one tensor. Returns true, or throws.
/// Errors: GradError naming the worst element: input, position, both values.
/// PyTorch: torch.autograd.gradcheck
template <class F>
bool gradcheck(F&& f, const std::vector<Tensor<double>>& inputs, GradcheckOptions options = {}) {
  const Tensor<double> y = f(inputs);
  Tensor<double> weights = empty<double>(y.shape());
  for (Index i = 0; i < weights.numel(); ++i)
    weights.data()[i] = 0.5 + std::fmod(0.754877666 * static_cast<double>(i + 1), 1.0);
  auto value = [&] {
    NoGradGuard no_grad;
    const Tensor<double> out = f(inputs).contiguous();
    double total = 0;
    for (Index i = 0; i < out.numel(); ++i) total += out.data()[i] * weights.data()[i];
    return total;
  };
  std::vector<Tensor<double>> checked;
  std::vector<std::size_t> numbers;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (inputs[k].requires_grad()) {
      if (!inputs[k].is_contiguous())
        fail<GradError>("gradcheck: input ", k, " is not contiguous; make the view inside f");
      checked.push_back(inputs[k]);
      numbers.push_back(k);
    }
  if (checked.empty()) fail<GradError>("gradcheck: no input requires a gradient");
  if (!y.requires_grad()) fail<GradError>("gradcheck: the output does not depend on an input that requires a gradient");
  const std::vector<Tensor<double>> analytic = grad(y, checked, {}, weights);
  double worst = 0;
  std::string report;
  for (std::size_t k = 0; k < checked.size(); ++k) {
    const Tensor<double> g = analytic[k].defined() ? analytic[k].contiguous() : zeros<double>(checked[k].shape());
    for (Index i = 0; i < checked[k].numel(); ++i) {
      double& element = checked[k].data()[i];
      const double saved = element;
      element = saved + options.eps;
      const double above = value();
      element = saved - options.eps;
      const double below = value();
      element = saved;
      const double numeric = (above - below) / (2 * options.eps);
      const double error = std::abs(numeric - g.data()[i]), allowed = options.atol + options.rtol * std::abs(numeric);
      if (!(error <= allowed) && !(error / allowed <= worst)) {  // written so that NaN counts as wrong
        worst = error / allowed;
        report.clear();
        append_part(report, "gradcheck: input ");
        append_part(report, numbers[k]);
        append_part(report, " of shape ");
        append_part(report, checked[k].shape());
        append_part(report, ", element ");
        append_part(report, i);
        append_part(report, ": backward gives ");
        append_part(report, g.data()[i]);
        append_part(report, ", the difference quotient ");
        append_part(report, numeric);
      }
    }
  }
  if (!report.empty()) throw GradError(report);
  return true;
}

}  // namespace gloss::inline GLOSS_ABI
