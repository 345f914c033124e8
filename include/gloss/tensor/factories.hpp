// New tensors: constants, ranges and random numbers.
#pragma once

#include <cmath>
#include <initializer_list>
#include <numbers>
#include <vector>

#include <gloss/core/context.hpp>
#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

/// Unspecified contents. PyTorch: torch.empty
template <Element T>
Tensor<T> empty(const Shape& shape) {
  return Tensor<T>::uninitialized(shape);
}
template <Element T>
Tensor<T> full(const Shape& shape, std::type_identity_t<T> value) {
  return empty<T>(shape).fill_(value);
}
template <Element T>
Tensor<T> zeros(const Shape& shape) {
  return full<T>(shape, T{});
}
template <Element T>
Tensor<T> ones(const Shape& shape) {
  return full<T>(shape, T(1));
}
template <Element T>
Tensor<T> zeros_like(const Tensor<T>& x) {
  return zeros<T>(x.shape());
}
template <Element T>
Tensor<T> ones_like(const Tensor<T>& x) {
  return ones<T>(x.shape());
}
template <Element T>
Tensor<T> empty_like(const Tensor<T>& x) {
  return empty<T>(x.shape());
}
/// One number, rank 0.
template <Element T>
Tensor<T> scalar(std::type_identity_t<T> value) {
  return full<T>({}, value);
}

/// A copy of `numel` numbers in row-major order. PyTorch: torch.tensor(values).view(shape)
/// Errors: ShapeError when the count does not fill the shape.
template <Element T>
Tensor<T> from_data(const T* values, const Shape& shape) {
  Tensor<T> x = empty<T>(shape);
  std::copy(values, values + x.numel(), x.data());
  return x;
}
template <Element T>
Tensor<T> from_vector(const std::vector<T>& values, const Shape& shape) {
  if (static_cast<Index>(values.size()) != shape.numel())
    fail<ShapeError>("from_vector: ", values.size(), " values do not fill shape ", shape);
  Tensor<T> x = empty<T>(shape);
  std::copy(values.begin(), values.end(), x.data());
  return x;
}
template <Element T>
Tensor<T> from_vector(const std::vector<T>& values) {
  return from_vector(values, {static_cast<Index>(values.size())});
}

/// start, start + step, ... below end (above it for a negative step). PyTorch: torch.arange
/// Errors: Error when step is 0 or leads away from end.
template <Element T>
Tensor<T> arange(std::type_identity_t<T> start, std::type_identity_t<T> end, std::type_identity_t<T> step = T(1)) {
  const double span = static_cast<double>(end) - static_cast<double>(start), stride = static_cast<double>(step);
  if (stride == 0 || span / stride < 0) fail("arange: step ", step, " does not lead from ", start, " to ", end);
  const Index n = static_cast<Index>(std::ceil(span / stride));
  Tensor<T> x = empty<T>({n});
  for (Index i = 0; i < n; ++i) x.data()[i] = static_cast<T>(start + static_cast<T>(i) * step);
  return x;
}
template <Element T>
Tensor<T> arange(std::type_identity_t<T> end) {
  return arange<T>(T(0), end);
}

/// Uniform in [low, high), from the current Rng. PyTorch: torch.rand
template <Real T>
Tensor<T> rand(const Shape& shape, std::type_identity_t<T> low = T(0), std::type_identity_t<T> high = T(1)) {
  Tensor<T> x = empty<T>(shape);
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
        p[b * per_block + k] = low + (high - low) * u;
      }
    }
  });
  return x;
}

/// Normal with this mean and standard deviation, by Box and Muller, from the current Rng. PyTorch: torch.randn
template <Real T>
Tensor<T> randn(const Shape& shape, std::type_identity_t<T> mean = T(0), std::type_identity_t<T> std = T(1)) {
  Tensor<T> x = empty<T>(shape);
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

/// Uniform integers in [low, high). PyTorch: torch.randint
template <Element T = std::int64_t>
Tensor<T> randint(Index low, Index high, const Shape& shape) {
  if (high <= low || high - low > Index{0xFFFFFFFF}) fail("randint: empty or too wide range [", low, ", ", high, ")");
  Tensor<T> x = empty<T>(shape);
  for (Index i = 0; i < x.numel(); ++i)
    x.data()[i] = static_cast<T>(low + Index{current_rng().below(static_cast<std::uint32_t>(high - low))});
  return x;
}

/// 0..n-1 in random order. PyTorch: torch.randperm
inline Tensor<std::int64_t> randperm(Index n) {
  Tensor<std::int64_t> x = arange<std::int64_t>(n);
  for (Index i = n - 1; i > 0; --i)
    std::swap(x.data()[i], x.data()[current_rng().below(static_cast<std::uint32_t>(i + 1))]);
  return x;
}

}  // namespace gloss::inline GLOSS_ABI
