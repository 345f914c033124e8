// Muon.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/adam.hpp>
#include <gloss/kernels/newton_schulz.hpp>
#include <gloss/optim/moments.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// What the rate is multiplied by for a matrix [a, b].
enum class MuonRate {
  original,         // sqrt(max(1, a / b))
  match_rms_adamw,  // 0.2 sqrt(max(a, b)): the rate and decay that are good for AdamW are good for Muon
};

struct MuonOptions {
  double lr = 1e-3;
  double weight_decay = 0.1;  // p *= 1 - lr * weight_decay
  double momentum = 0.95;
  bool nesterov = true;
  std::array<double, 3> ns_coefficients = {3.4445, -4.7750, 2.0315};
  double eps = 1e-7;
  int ns_steps = 5;
  MuonRate adjust_lr = MuonRate::original;
  bool adamw = false;  // this group by AdamW, with lr, weight_decay and these:
  std::array<double, 2> betas = {0.9, 0.95};
  double adamw_eps = 1e-8;
};

/// For the matrices of hidden layers: m = momentum m + (1 - momentum) g, u = m (with nesterov momentum m + (1 -
/// momentum) g), p -= lr UV^T, where u = U S V^T, approximately: five Newton-Schulz iterations bring all singular
/// values near 1. Here they run in the type of the parameters, PyTorch's in bfloat16. Biases, norms, embeddings and the
/// last layer want a group with .adamw, and a rate of its own:
///   optim::Groups groups(model, optim::MuonOptions{.lr = 0.02});
///   auto& others = groups.where("others", [](auto name, auto& p) { return p.dim() != 2 || name == "embed.weight"; });
///   others.adamw = true, others.lr = 3e-4;
///   optim::Muon<float> muon(groups);
/// Errors: Error for values out of range; ShapeError for a parameter that is no matrix, in a group without .adamw.
/// Source: Jordan 2024; match_rms_adamw: Liu et al. 2025.
/// PyTorch: torch.optim.Muon
template <Real T>
class Muon final : public detail::MomentOptimizer<T, MuonOptions> {
 public:
  using Group = ParameterGroup<T, MuonOptions>;
  Muon(std::vector<Tensor<T>> parameters, MuonOptions options = {})
      : Muon(detail::one(Group{std::move(parameters), options})) {}
  Muon(const std::vector<Group>& groups) : Muon(std::span<const Group>(groups)) {}
  void set_momentum(double momentum) override {
    detail::check_part("Muon", "momentum", momentum);
    for (MuonOptions& options : this->options_) (options.adamw ? options.betas[0] : options.momentum) = momentum;
  }

 private:
  GLOSS_COLD explicit Muon(std::span<const Group> groups) : detail::MomentOptimizer<T, MuonOptions>("Muon", groups) {
    for (const MuonOptions& options : this->options_) {
      detail::check_option("Muon", "weight_decay", options.weight_decay);
      detail::check_part("Muon", "momentum", options.momentum);
      detail::check_option("Muon", "eps", options.eps);
      detail::check_option("Muon", "adamw_eps", options.adamw_eps);
      this->check_betas(options.betas);
      for (const double c : options.ns_coefficients)
        if (!std::isfinite(c)) fail("Muon: ns_coefficient ", c, " is not a finite number");
      if (options.ns_steps < 0 || options.ns_steps >= 100)
        fail("Muon: ns_steps ", options.ns_steps, " is not in [0, 100)");
    }
    for (std::size_t i = 0; i < this->parameters_.size(); ++i)
      if (!this->options_of(i).adamw && this->parameters_[i].dim() != 2)
        fail<ShapeError>("Muon: parameter ", i, " has shape ", this->parameters_[i].shape(),
                         " and is no matrix: put it in a group with .adamw");
    this->keep(0, "momentum_buffer", [](const MuonOptions& o) { return !o.adamw; });
    this->keep(1, "exp_avg", [](const MuonOptions& o) { return o.adamw; });
    this->keep(2, "exp_avg_sq", [](const MuonOptions& o) { return o.adamw; });
  }

  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("Muon");
    const MuonOptions& o = this->options_of(i);
    const Index step = this->step_[i].advance();
    if (o.adamw)
      kernels::adam_step(p.data(), static_cast<const T*>(g.data()), this->moment(1, i), this->moment(2, i), p.numel(),
                         this->lr_of(i), o.betas[0], o.betas[1], o.adamw_eps, o.weight_decay, true, step);
    else
      orthogonal_step(p, static_cast<const T*>(g.data()), this->moment(0, i), this->lr_of(i), o);
  }
  static void orthogonal_step(const Tensor<T>& p, const T* g, T* m, double lr, const MuonOptions& o) {
    const Index rows = p.size(0), columns = p.size(1);
    const bool turn = rows > columns;  // the iteration wants the shorter side first
    const T keep = static_cast<T>(o.momentum), take = static_cast<T>(1 - o.momentum);
    std::vector<T> u(static_cast<std::size_t>(p.numel()));
    const auto each = [=](const auto& f) {  // f(place in p, place in u)
      parallel_for(rows, (std::max)(8192 / (columns + 1), Index{1}), [=](Index begin, Index end) {
        for (Index row = begin; row < end; ++row)
          for (Index column = 0; column < columns; ++column)
            f(row * columns + column, turn ? column * rows + row : row * columns + column);
      });
    };
    each([=, to = u.data(), nesterov = o.nesterov](Index k, Index at) {
      m[k] += (g[k] - m[k]) * take;
      to[at] = nesterov ? g[k] + (m[k] - g[k]) * keep : m[k];
    });
    kernels::newton_schulz(u, (std::min)(rows, columns), (std::max)(rows, columns), o.ns_coefficients, o.ns_steps,
                           o.eps);
    const auto a = static_cast<double>(rows), b = static_cast<double>(columns);
    const double ratio =
        o.adjust_lr == MuonRate::original ? std::sqrt((std::max)(1.0, a / b)) : 0.2 * std::sqrt((std::max)(a, b));
    const T rate = static_cast<T>(lr * ratio), shrink = static_cast<T>(1 - lr * o.weight_decay);
    each([=, x = p.data(), from = u.data()](Index k, Index at) { x[k] = x[k] * shrink - from[at] * rate; });
  }
};

}  // namespace gloss::inline GLOSS_ABI::optim
