// AdamW whose moments take a half or a quarter of the memory.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gloss/core/rng.hpp>
#include <gloss/kernels/compact_adam.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// What moments are kept in: two bytes each, or one and a scale for each block of 256.
enum class Moments { bfloat16, bytes };

/// AdamW, with 4 or 2 bytes of moments for a parameter in place of 8 of floats. The step itself is AdamW's, in a pass;
/// what is kept of m and v is then rounded, up or down by chance so that they are right in the mean: with betas[1] =
/// 0.999 most changes of v are smaller than half a rounding step and would be lost. bfloat16 keeps them to a 128th;
/// bytes keep the largest of a block exactly, and the square roots of the others to a 64th of its square root. The same
/// bits for any number of threads, and again with each run. A weight_decay of 0 makes it Adam.
/// state() gives copies, rounded numbers as T under the names that AdamW has: each loads the other's.
/// Errors: Error for values out of range, and for amsgrad.
/// Source: Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization", with other codes.
/// PyTorch: bitsandbytes' AdamW8bit, torchao's
template <Real T>
class CompactAdamW final : public detail::MomentOptimizer<T, AdamWOptions> {
  using Base = detail::MomentOptimizer<T, AdamWOptions>;

 public:
  using Group = ParameterGroup<T, AdamWOptions>;
  using Named = typename Optimizer<T>::Named;

  CompactAdamW(const std::vector<Group>& groups, Moments kind = Moments::bfloat16)
      : CompactAdamW(std::span<const Group>(groups), kind) {}
  CompactAdamW(std::vector<Tensor<T>> parameters, AdamWOptions options = {}, Moments kind = Moments::bfloat16)
      : CompactAdamW(detail::one(Group{std::move(parameters), options}), kind) {}

  void set_momentum(double momentum) override {
    detail::check_part("CompactAdamW", "beta", momentum);
    for (AdamWOptions& options : this->options_) options.betas[0] = momentum;
  }

  GLOSS_COLD Named state() override {
    Named out;
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      const Shape& shape = this->parameters_[i].shape();
      const Tensor<T> m = zeros<T>(shape), v = zeros<T>(shape);
      each_block(i, [&](const auto& moments, Index first, Index n) {
        moments.read(first, n, m.data() + first, v.data() + first);
      });
      const std::string key = std::to_string(i) + ".";
      out.emplace_back(key + "exp_avg", m);
      out.emplace_back(key + "exp_avg_sq", v);
      out.emplace_back(key + "step", this->step_[i].tensor());
    }
    return out;
  }
  GLOSS_COLD void load_state(const Named& from) override {
    const Named own = state();
    detail::fill_state<T>(own, from, "optimizer");
    for (std::size_t i = 0; i < kept_.size(); ++i)
      each_block(i, [&](const auto& moments, Index first, Index n) {
        moments.write(first, n, own[3 * i].second.data() + first, own[3 * i + 1].second.data() + first, nullptr);
      });
  }

 private:
  CompactAdamW(std::span<const Group> groups, Moments kind) : Base("CompactAdamW", groups), kind_(kind) {
    for (const AdamWOptions& options : this->options_) {
      this->check_betas(options.betas);
      detail::check_option("CompactAdamW", "eps", options.eps);
      detail::check_option("CompactAdamW", "weight_decay", options.weight_decay);
      if (options.amsgrad) fail("CompactAdamW: amsgrad wants moments that are not rounded: AdamW has it");
    }
    for (const Tensor<T>& p : this->parameters_) {
      const Index n = p.numel(), blocks = (n + kernels::moment_block - 1) / kernels::moment_block;
      if (kind == Moments::bfloat16)
        kept_.push_back({zeros<gloss::bfloat16>({2, n}), {}, {}});
      else
        kept_.push_back({{}, zeros<std::uint8_t>({2, n}), zeros<T>({2, blocks})});
    }
  }

  void update(std::size_t i, const Tensor<T>& p, const Tensor<T>& g) override {
    ProfileScope scope("CompactAdamW");
    const AdamWOptions& o = this->options_of(i);
    const Index step = this->step_[i].advance(), n = p.numel();
    if (scope) scope.bytes(3 * sizeof(T) + (kind_ == Moments::bfloat16 ? 8 : 4), {n});
    const kernels::AdamFactors<T> factors(this->lr_of(i), o.betas[0], o.betas[1], o.eps, o.weight_decay, true, step,
                                          o.maximize);
    const auto word = [](auto number) { return static_cast<std::uint32_t>(number); };
    const kernels::RoundingChance chance{
        philox({word(step), word(step >> 32), word(i), 0}, {0x6D6F6D65u, 0x6E747321u})[0]};
    with_moments(i, [&](const auto& moments) {
      kernels::compact_adam_step(factors, p.data(), static_cast<const T*>(g.data()), n, moments, chance);
    });
  }

  template <class F>
  void with_moments(std::size_t i, F f) const {
    const Kept& kept = kept_[i];
    const Index n = this->parameters_[i].numel();
    if (kind_ == Moments::bfloat16) {
      f(kernels::Bfloat16Moments<T>{kept.halves.data(), kept.halves.data() + n});
    } else {
      T* const scales = kept.scales.data();
      f(kernels::ByteMoments<T>{reinterpret_cast<std::int8_t*>(kept.bytes.data()), kept.bytes.data() + n, scales,
                                scales + kept.scales.size(1)});
    }
  }
  /// Calls f(moments, first element, elements) for each block of parameter i.
  template <class F>
  void each_block(std::size_t i, F f) const {
    const Index n = this->parameters_[i].numel();
    with_moments(i, [&](const auto& moments) {
      for (Index first = 0; first < n; first += kernels::moment_block)
        f(moments, first, (std::min)(kernels::moment_block, n - first));
    });
  }

  struct Kept {  // of one parameter, m before v
    Tensor<gloss::bfloat16> halves;
    Tensor<std::uint8_t> bytes;
    Tensor<T> scales;
  };
  Moments kind_;
  std::vector<Kept> kept_;
};

}  // namespace gloss::inline GLOSS_ABI::optim
