// Random tensors. All draw from the current Rng; equal seeds give equal numbers for any number of threads.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include <gloss/core/context.hpp>
#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/erfinv.hpp>
#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// See SkipDrawsGuard.
inline thread_local bool draws_are_skipped = false;
}  // namespace detail

/// Uniform in [low, high), from the current Rng. PyTorch: torch.rand
template <Real T>
Tensor<T> rand(const Shape& shape, std::type_identity_t<T> low = T(0), std::type_identity_t<T> high = T(1)) {
  Tensor<T> x = empty<T>(shape);
  if (detail::draws_are_skipped) return x;
  const Index n = x.numel();
  T* const p = x.data();
  constexpr Index per_block = std::same_as<T, float> ? 4 : 2;
  const Index blocks = (n + per_block - 1) / per_block;
  const RandomBlock draw = current_rng().reserve(blocks * 4);
  parallel_for(blocks, 1024, [=](Index begin, Index end) {
    for (Index b = begin; b < end; ++b) {
      const auto w = draw.words(static_cast<std::uint64_t>(b));
      for (Index k = 0; k < per_block && b * per_block + k < n; ++k) {
        const auto j = static_cast<std::size_t>(k);
        T u;
        if constexpr (std::same_as<T, float>)
          u = uniform_float(w[j]);
        else
          u = uniform_double(w[2 * j], w[2 * j + 1]);
        const T y = low + (high - low) * u;
        p[b * per_block + k] = y < high || !(low < high) ? y : std::nextafter(high, low);  // the sum can round up
      }
    }
  });
  return x;
}

/// Of x's shape. PyTorch: torch.rand_like
template <Real T>
Tensor<T> rand_like(const Tensor<T>& x) {
  return rand<T>(x.shape());
}

/// Normal with this mean and standard deviation, by Box and Muller, from the current Rng. PyTorch: torch.randn
template <Real T>
Tensor<T> randn(const Shape& shape, std::type_identity_t<T> mean = T(0), std::type_identity_t<T> std = T(1)) {
  Tensor<T> x = empty<T>(shape);
  if (detail::draws_are_skipped) return x;
  const Index n = x.numel(), blocks = (n + 1) / 2;
  T* const p = x.data();
  const RandomBlock draw = current_rng().reserve(blocks * 4);
  parallel_for(blocks, 1024, [=](Index begin, Index end) {
    for (Index b = begin; b < end; ++b) {
      const auto w = draw.words(static_cast<std::uint64_t>(b));
      const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_double(w[0], w[1])));
      const double angle = 2.0 * std::numbers::pi * uniform_double(w[2], w[3]);
      p[2 * b] = mean + std * static_cast<T>(radius * std::cos(angle));
      if (2 * b + 1 < n) p[2 * b + 1] = mean + std * static_cast<T>(radius * std::sin(angle));
    }
  });
  return x;
}

/// Of x's shape. PyTorch: torch.randn_like
template <Real T>
Tensor<T> randn_like(const Tensor<T>& x) {
  return randn<T>(x.shape());
}

namespace detail {
/// y_i = f(i, u) with u uniform in [0, 1), on a grid of 2^-53.
template <Element T, class F>
Tensor<T> draw_each(const Shape& shape, F f) {
  Tensor<T> x = empty<T>(shape);
  const Index n = x.numel(), blocks = (n + 1) / 2;
  const RandomBlock draw = gloss::current_rng().reserve(blocks * 4);
  parallel_for(blocks, 1024, [=, p = x.data()](Index begin, Index end) {
    for (Index b = begin; b < end; ++b) {
      const auto w = draw.words(static_cast<std::uint64_t>(b));
      p[2 * b] = f(2 * b, uniform_double(w[0], w[1]));
      if (2 * b + 1 < n) p[2 * b + 1] = f(2 * b + 1, uniform_double(w[2], w[3]));
    }
  });
  return x;
}
}  // namespace detail

/// 1 (or true) with probability p, else 0.
/// Errors: Error when p is not in [0, 1].
/// PyTorch: torch.bernoulli
template <Summable T>
Tensor<T> bernoulli(const Shape& shape, double p) {
  if (!(p >= 0 && p <= 1)) fail("bernoulli: p ", p, " is not in [0, 1]");
  return detail::draw_each<T>(shape, [p](Index, double u) { return static_cast<T>(u < p); });
}
/// Each with a probability of its own; no gradient flows.
template <Real T>
Tensor<T> bernoulli(const Tensor<T>& p) {
  const Tensor<T> chances = p.detach().contiguous();
  const T* const from = chances.data();
  for (Index i = 0; i < chances.numel(); ++i)
    if (!(from[i] >= 0 && from[i] <= 1)) fail("bernoulli: p ", from[i], " is not in [0, 1]");
  return detail::draw_each<T>(p.shape(),
                              [from](Index i, double u) { return static_cast<T>(u < static_cast<double>(from[i])); });
}

struct TruncNormalOptions {
  double mean = 0, std = 1;
  double low = -2, high = 2;
};
/// Normal, but never outside [low, high]: by the inverse of the distribution function.
/// Errors: Error when low is not below high, or std not above 0.
/// PyTorch: torch.nn.init.trunc_normal_
template <Real T>
Tensor<T> trunc_normal(const Shape& shape, TruncNormalOptions options = {}) {
  if (!(options.low < options.high)) fail("trunc_normal: low ", options.low, " is not below high ", options.high);
  if (!(options.std > 0)) fail("trunc_normal: std ", options.std, " is not above 0");
  const double scale = options.std * std::numbers::sqrt2;
  const double from = std::erf((options.low - options.mean) / scale),
               to = std::erf((options.high - options.mean) / scale);
  return detail::draw_each<T>(shape, [=](Index, double u) {
    const double x = options.mean + scale * kernels::erfinv(from + (to - from) * u);
    return static_cast<T>(x < options.low ? options.low : x > options.high ? options.high : x);
  });
}

/// Exponential with this rate: density rate e^(-rate x).
/// Errors: Error when rate is not above 0.
/// PyTorch: x.exponential_(rate)
template <Real T>
Tensor<T> exponential(const Shape& shape, double rate = 1) {
  if (!(rate > 0)) fail("exponential: rate ", rate, " is not above 0");
  return detail::draw_each<T>(shape, [rate](Index, double u) { return static_cast<T>(-std::log1p(-u) / rate); });
}

/// Uniform integers in [low, high). PyTorch: torch.randint
/// Errors: Error when the range is empty, wider than 2^32 - 1, or not within T.
template <Element T = std::int64_t>
Tensor<T> randint(Index low, Index high, const Shape& shape) {
  if (high <= low || static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) > 0xFFFFFFFF)
    fail("randint: empty or too wide range [", low, ", ", high, ")");
  if constexpr (Integer<T>)
    if (low < Index{(std::numeric_limits<T>::min)()} || high - 1 > Index{(std::numeric_limits<T>::max)()})
      fail("randint: range [", low, ", ", high, ") does not fit ", dtype_name<T>());
  Tensor<T> x = empty<T>(shape);
  detail::BelowDraws draws(current_rng(), x.numel());
  for (Index i = 0; i < x.numel(); ++i)
    x.data()[i] = static_cast<T>(low + Index{draws.below(static_cast<std::uint32_t>(high - low))});
  return x;
}

/// 0..n-1 in random order, each order as likely as another. PyTorch: torch.randperm
/// Errors: ShapeError when n is negative, Error from 2^32 on.
GLOSS_LAZY Tensor<std::int64_t> randperm(Index n) {
  if (n > Index{0xFFFFFFFF}) fail("randperm: ", n, " is too many");
  Tensor<std::int64_t> x = empty<std::int64_t>({n});
  std::int64_t* const p = x.data();
  detail::BelowDraws draws(current_rng(), n - 1);
  for (Index i = 0; i < n; ++i) p[i] = i;
  for (Index i = n - 1; i > 0; --i) std::swap(p[i], p[draws.below(static_cast<std::uint32_t>(i + 1))]);
  return x;
}

GLOSS_INSTANTIATE(Tensor<std::int64_t> randint(Index, Index, const Shape&))

/// While it lives, rand, randn and nn::init's draws on this thread leave numbers as memory happens to hold them, and no
/// stream goes on: for a model that is about to be loaded. PyTorch: torch.nn.utils.skip_init
class [[nodiscard]] SkipDrawsGuard {
 public:
  SkipDrawsGuard() : saved_(detail::draws_are_skipped) { detail::draws_are_skipped = true; }
  ~SkipDrawsGuard() { detail::draws_are_skipped = saved_; }
  SkipDrawsGuard(const SkipDrawsGuard&) = delete;
  SkipDrawsGuard& operator=(const SkipDrawsGuard&) = delete;

 private:
  bool saved_;
};

}  // namespace gloss::inline GLOSS_ABI
