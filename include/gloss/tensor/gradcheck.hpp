// Compares recorded gradients, and gradients of gradients, with central differences.
#pragma once

#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

struct GradcheckOptions {
  double eps = 1e-6;   // half the step of the difference
  double atol = 1e-6;  // absolute tolerance
  double rtol = 1e-4;  // tolerance relative to the numerical gradient
};

/// What gradcheck found: the derivative that fits worst, of one element of an output by one element of an input.
/// Elements are counted in row-major order.
struct GradcheckReport {
  bool passed = true;
  std::size_t input = 0, output = 0;
  Index input_element = 0, output_element = 0;
  double analytic = 0, numeric = 0;
  double relative_error = 0;  // |analytic - numeric| / the larger of them
  std::string text;           // one line with all of it
};

namespace detail {
using Doubles = std::vector<Tensor<double>>;

/// Fixed odd numbers, one for each element, so that a gradient that is only right in sum does not pass.
template <Real T>
Tensor<T> odd_weights(const Shape& shape, T start) {
  Tensor<T> weights = empty<T>(shape);
  for (Index i = 0; i < weights.numel(); ++i)
    weights.data()[i] = 0.5 + std::fmod(start + 0.754877666 * static_cast<double>(i + 1), 1.0);
  return weights;
}

/// f's result as a list, whether it is a tensor or a list of them.
template <class F>
Doubles outputs_of(F& f, const Doubles& inputs) {
  if constexpr (std::is_same_v<std::invoke_result_t<F&, const Doubles&>, Tensor<double>>)
    return {f(inputs)};
  else
    return f(inputs);
}

/// The check itself, compiled once, and only where it is called, hence T, which is double: f is a borrowed callable.
template <Real T>
class Gradcheck {
 public:
  using Doubles = std::vector<Tensor<T>>;
  using Call = Doubles (*)(void* f, const Doubles& inputs);
  Gradcheck(const char* name, void* f, Call call, const Doubles& inputs, GradcheckOptions options)
      : name_(name), f_(f), call_(call), inputs_(inputs), options_(options) {}

  /// With `always`, a single derivative is looked up for the report even when all is well.
  GLOSS_NOINLINE GradcheckReport run(bool always) {
    outputs_ = call_(f_, inputs_);
    for (std::size_t j = 0; j < outputs_.size(); ++j)
      weights_.push_back(odd_weights<T>(outputs_[j].shape(), 0.3 * static_cast<T>(j)));
    for (std::size_t k = 0; k < inputs_.size(); ++k)
      if (inputs_[k].requires_grad()) {
        if (!inputs_[k].is_contiguous())
          fail<GradError>(name_, ": input ", k, " is not contiguous; make the view inside f");
        checked_.push_back(inputs_[k]);
        numbers_.push_back(k);
      }
    if (checked_.empty()) fail<GradError>(name_, ": no input requires a gradient");
    const Doubles analytic = gradients(weights_);
    if (analytic.empty()) fail<GradError>(name_, ": the output does not depend on an input that requires a gradient");
    double worst = -1;
    std::size_t k_worst = 0;
    Index i_worst = 0;
    for (std::size_t k = 0; k < checked_.size(); ++k)
      for (Index i = 0; i < checked_[k].numel(); ++i) {
        const auto [above, below] = around(k, i);
        double numeric = 0;
        for (std::size_t j = 0; j < outputs_.size(); ++j)
          for (Index e = 0; e < outputs_[j].numel(); ++e)
            numeric += weights_[j].data()[e] * quotient(above[j].data()[e], below[j].data()[e]);
        const double error = excess(analytic[k].data()[i], numeric);
        if (is_worse(error, worst)) worst = error, k_worst = k, i_worst = i;
      }
    GradcheckReport report;
    report.passed = worst <= 1;
    if (worst >= 0 && (always || !report.passed)) look_closer(report, k_worst, i_worst);
    return report;
  }

 private:
  double quotient(double above, double below) const { return (above - below) / (2 * options_.eps); }
  /// The error over what is allowed.
  double excess(double analytic, double numeric) const {
    return std::abs(numeric - analytic) / (options_.atol + options_.rtol * std::abs(numeric));
  }

  /// NaN is worst of all.
  static bool is_worse(double error, double worst) { return !std::isnan(worst) && !(error <= worst); }

  /// By the checked inputs, of the outputs times these weights; empty when no output depends on them.
  Doubles gradients(const Doubles& weights) {
    Doubles of, by;
    for (std::size_t j = 0; j < outputs_.size(); ++j)
      if (outputs_[j].requires_grad()) {
        of.push_back(outputs_[j]);
        by.push_back(weights[j]);
      }
    if (of.empty()) return {};
    Doubles out = grad(of, checked_, {.retain_graph = true, .materialize_grads = true}, by);
    for (Tensor<T>& g : out) g = g.contiguous();
    return out;
  }

  /// The outputs for element i of checked input k a little larger, and a little smaller.
  std::pair<Doubles, Doubles> around(std::size_t k, Index i) {
    NoGradGuard no_grad;
    double& element = checked_[k].data()[i];
    const double saved = element;
    const auto at = [&](double value) {
      element = value;
      Doubles out = call_(f_, inputs_);
      for (Tensor<T>& y : out) y = y.detach().clone();
      return out;
    };
    std::pair<Doubles, Doubles> out;
    try {
      out.first = at(saved + options_.eps);
      out.second = at(saved - options_.eps);
    } catch (...) {
      element = saved;
      throw;
    }
    element = saved;
    return out;
  }

  /// Fills the report with the output element whose derivative by this input element fits worst.
  void look_closer(GradcheckReport& report, std::size_t k, Index i) {
    const auto [above, below] = around(k, i);
    double worst = -1;
    Doubles one;
    for (const Tensor<T>& y : outputs_) one.push_back(zeros<T>(y.shape()));
    for (std::size_t j = 0; j < outputs_.size(); ++j)
      for (Index e = 0; e < outputs_[j].numel(); ++e) {
        one[j].data()[e] = 1;
        const double analytic = gradients(one)[k].data()[i];
        one[j].data()[e] = 0;
        const double numeric = quotient(above[j].data()[e], below[j].data()[e]), error = excess(analytic, numeric);
        if (!is_worse(error, worst)) continue;
        worst = error;
        report.output = j, report.output_element = e;
        report.analytic = analytic, report.numeric = numeric;
      }
    report.input = numbers_[k], report.input_element = i;
    const double larger = (std::max)(std::abs(report.analytic), std::abs(report.numeric));
    report.relative_error = larger == 0 ? 0 : std::abs(report.analytic - report.numeric) / larger;
    std::string& text = report.text;
    const auto append = [&](const char* before, const auto& value) {
      text += before;
      append_part(text, value);
    };
    text = name_;
    append(": output ", report.output);
    append(" of shape ", outputs_[report.output].shape());
    append(", element ", report.output_element);
    append(", by input ", report.input);
    append(" of shape ", checked_[k].shape());
    append(", element ", i);
    append(": backward gives ", report.analytic);
    append(", the difference quotient ", report.numeric);
    append(", relative error ", report.relative_error);
  }

  const char* name_;
  void* f_;
  Call call_;
  const Doubles& inputs_;
  GradcheckOptions options_;
  Doubles outputs_, weights_, checked_;
  std::vector<std::size_t> numbers_;
};

template <class F>
GradcheckReport run_gradcheck(const char* name, F& f, const Doubles& inputs, GradcheckOptions options, bool always) {
  const auto call = [](void* p, const Doubles& in) { return outputs_of(*static_cast<F*>(p), in); };
  using Plain = std::remove_const_t<F>;
  GradcheckReport report = Gradcheck<double>(name, const_cast<Plain*>(&f), call, inputs, options).run(always);
  if (!report.passed && !always) throw GradError(report.text);
  return report;
}

/// f's gradients as a function of its inputs and, behind them, of what f's outputs are weighed with.
template <class F>
auto gradients_of(F& f, std::size_t n) {
  return [&f, n](const Doubles& in) {
    const GradGuard recorded(true);
    const Doubles own(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n)), y = outputs_of(f, own);
    Doubles of, weights, by;
    for (std::size_t j = 0; j < y.size(); ++j)
      if (y[j].requires_grad()) {
        of.push_back(y[j]);
        weights.push_back(in[n + j]);
      }
    for (const Tensor<double>& x : own)
      if (x.requires_grad()) by.push_back(x);
    if (of.empty() || by.empty())
      fail<GradError>("gradgradcheck: no output depends on an input that requires a gradient");
    return grad(of, by, {.create_graph = true, .materialize_grads = true}, weights);
  };
}
template <class F>
Doubles with_weights(F& f, const Doubles& inputs) {
  Doubles all = inputs;
  for (const Tensor<double>& y : outputs_of(f, inputs))
    all.push_back(odd_weights<double>(y.shape(), 0.1).requires_grad_());
  return all;
}
}  // namespace detail

/// Checks d f(inputs) / d inputs for every input that requires a gradient, each element by a central difference. The
/// outputs are weighed with fixed odd numbers first; where that fails, single derivatives are looked at. f takes the
/// vector of inputs and returns a tensor or a vector of them; what it draws at random must be the same each time.
/// Returns true, or throws.
/// Errors: GradError naming the worst derivative: output, input, positions, both values, relative error.
/// PyTorch: torch.autograd.gradcheck
template <class F>
bool gradcheck(F&& f, const std::vector<Tensor<double>>& inputs, GradcheckOptions options = {}) {
  return detail::run_gradcheck("gradcheck", f, inputs, options, false).passed;
}
/// The same as a report, which also names the worst derivative when all are right.
template <class F>
GradcheckReport gradcheck_report(F&& f, const std::vector<Tensor<double>>& inputs, GradcheckOptions options = {}) {
  return detail::run_gradcheck("gradcheck", f, inputs, options, true);
}

/// Checks second derivatives: gradcheck of f's gradients, recorded with create_graph, by the inputs and by the weights
/// of the outputs, which stand behind the inputs (input n is the weight of output 0) in texts and reports.
/// Errors: GradError as gradcheck's, and where an op has no second derivative.
/// PyTorch: torch.autograd.gradgradcheck
template <class F>
bool gradgradcheck(F&& f, const std::vector<Tensor<double>>& inputs, GradcheckOptions options = {}) {
  auto g = detail::gradients_of(f, inputs.size());
  return detail::run_gradcheck("gradgradcheck", g, detail::with_weights(f, inputs), options, false).passed;
}
template <class F>
GradcheckReport gradgradcheck_report(F&& f, const std::vector<Tensor<double>>& inputs, GradcheckOptions options = {}) {
  auto g = detail::gradients_of(f, inputs.size());
  return detail::run_gradcheck("gradgradcheck", g, detail::with_weights(f, inputs), options, true);
}

}  // namespace gloss::inline GLOSS_ABI
