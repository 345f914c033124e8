// New tensors: constants and ranges.
#pragma once

#include <cmath>
#include <initializer_list>
#include <vector>

#include <gloss/tensor/scalar.hpp>

namespace gloss::inline GLOSS_ABI {

/// Unspecified contents. PyTorch: torch.empty
/// Errors: ShapeError on a negative size or more than 2^60 elements.
template <Element T>
Tensor<T> empty(const Shape& shape) {
  return Tensor<T>::uninitialized(shape);
}
/// The same number everywhere. PyTorch: torch.full
template <Element T>
Tensor<T> full(const Shape& shape, std::type_identity_t<T> value) {
  return empty<T>(shape).fill_(value);
}
/// PyTorch: torch.zeros
template <Element T>
Tensor<T> zeros(const Shape& shape) {
  return full<T>(shape, T{});
}
/// PyTorch: torch.ones
template <Element T>
Tensor<T> ones(const Shape& shape) {
  return full<T>(shape, detail::to_element<T>(1));
}
/// New tensors of x's shape, dense and outside the graph.
/// PyTorch: torch.zeros_like, torch.ones_like, torch.full_like, torch.empty_like
template <Element T>
Tensor<T> zeros_like(const Tensor<T>& x) {
  return zeros<T>(x.shape());
}
template <Element T>
Tensor<T> ones_like(const Tensor<T>& x) {
  return ones<T>(x.shape());
}
template <Element T>
Tensor<T> full_like(const Tensor<T>& x, std::type_identity_t<T> value) {
  return full<T>(x.shape(), value);
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

namespace detail {
/// p, of which the compiler no longer knows where it points: when GCC 12.2 copies constants that it can see by AVX-512,
/// {1, 1, 0, 0} becomes {1, 1, 1, 1}.
template <class T>
const T* unseen(const T* p) {
#if defined(__GNUC__) || defined(__clang__)
  __asm__("" : "+r"(p));
#endif
  return p;
}
}  // namespace detail

/// A copy of `numel` numbers in row-major order. PyTorch: torch.tensor(values).view(shape)
/// Errors: ShapeError when the count does not fill the shape.
template <Element T>
Tensor<T> from_data(const T* values, const Shape& shape) {
  Tensor<T> x = empty<T>(shape);
  values = detail::unseen(values);
  std::copy(values, values + x.numel(), x.data());
  return x;
}
template <Element T>
Tensor<T> from_vector(const std::vector<T>& values, const Shape& shape) {
  if (static_cast<Index>(values.size()) != shape.numel())
    fail<ShapeError>("from_vector: ", values.size(), " values do not fill shape ", shape);
  if constexpr (std::same_as<T, bool>) {
    Tensor<T> x = empty<T>(shape);
    std::copy(values.begin(), values.end(), x.data());
    return x;
  } else {
    return from_data(values.data(), shape);
  }
}
template <Element T>
Tensor<T> from_vector(const std::vector<T>& values) {
  return from_vector(values, {static_cast<Index>(values.size())});
}
template <Element T>
Tensor<T> from_vector(std::initializer_list<std::type_identity_t<T>> values, const Shape& shape) {
  if (static_cast<Index>(values.size()) != shape.numel())
    fail<ShapeError>("from_vector: ", values.size(), " values do not fill shape ", shape);
  return from_data<T>(values.begin(), shape);
}
template <Element T>
Tensor<T> from_vector(std::initializer_list<std::type_identity_t<T>> values) {
  return from_vector<T>(values, {static_cast<Index>(values.size())});
}

/// start, start + step, ... below end (above it for a negative step). PyTorch: torch.arange
/// Errors: Error when step is 0 or leads away from end, or a bound is not finite.
template <Number T>
Tensor<T> arange(Scalar<T> start, Scalar<T> end, Scalar<T> step = 1) {
  Index n = 0;
  if constexpr (Real<T>) {
    const bool away = step > 0 ? end < start : end > start;  // seen here: a small negative count rounds to -0
    const double count = std::ceil((end - start) / step);
    if (away || !(count >= 0 && count < 0x1p60))
      fail("arange: step ", step, " does not lead from ", start, " to ", end);
    n = static_cast<Index>(count);
  } else {
    const std::int64_t from = start, to = end, by = step;
    if (by == 0 || (from < to && by < 0) || (from > to && by > 0))
      fail("arange: step ", by, " does not lead from ", from, " to ", to);
    const auto distance =
        static_cast<std::uint64_t>(from < to ? to : from) - static_cast<std::uint64_t>(from < to ? from : to);
    const auto stride = by > 0 ? static_cast<std::uint64_t>(by) : 0 - static_cast<std::uint64_t>(by);
    const std::uint64_t count = distance / stride + (distance % stride != 0);
    if (count > std::uint64_t{1} << 60) fail("arange: ", count, " numbers from ", from, " to ", to);
    n = static_cast<Index>(count);
  }
  Tensor<T> x = empty<T>({n});
  for (Index i = 0; i < n; ++i) {
    if constexpr (Real<T>)
      x.data()[i] = static_cast<T>(start + static_cast<double>(i) * step);
    else
      x.data()[i] = static_cast<T>(kernels::Plus{}(Index{start}, kernels::Times{}(i, Index{step})));
  }
  return x;
}
template <Number T>
Tensor<T> arange(Scalar<T> end) {
  return arange<T>(0, end);
}

/// `steps` numbers from start to end, both included, equally far apart. PyTorch: torch.linspace
/// Errors: Error when steps is negative.
template <Real T>
Tensor<T> linspace(RealNumber start, RealNumber end, Index steps) {
  if (steps < 0) fail("linspace: ", steps, " steps");
  Tensor<T> x = empty<T>({steps});
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  for (Index i = 0; i < steps; ++i)  // from both ends, so that both are exact
    x.data()[i] = static_cast<T>(i == 0 || i < steps / 2 ? start + step * static_cast<double>(i)
                                                         : end - step * static_cast<double>(steps - 1 - i));
  return x;
}
/// base to the power of each number of linspace(start, end, steps). PyTorch: torch.logspace
/// Errors: Error when steps is negative.
template <Real T>
Tensor<T> logspace(RealNumber start, RealNumber end, Index steps, double base = 10) {
  if (steps < 0) fail("logspace: ", steps, " steps");
  const Tensor<double> exponents = linspace<double>(start, end, steps);
  Tensor<T> x = empty<T>({steps});
  for (Index i = 0; i < steps; ++i) x.data()[i] = static_cast<T>(std::pow(base, exponents.data()[i]));
  return x;
}

/// 1 on the diagonal and 0 elsewhere; square unless columns are given. PyTorch: torch.eye
/// Errors: ShapeError for a negative size.
template <Element T>
Tensor<T> eye(Index rows, Index columns) {
  Tensor<T> x = zeros<T>({rows, columns});
  for (Index i = 0; i < rows && i < columns; ++i) x.data()[i * columns + i] = detail::to_element<T>(1);
  return x;
}
template <Element T>
Tensor<T> eye(Index n) {
  return eye<T>(n, n);
}

}  // namespace gloss::inline GLOSS_ABI
