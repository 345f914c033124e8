// Rounding
#pragma once

#include <cmath>

#include <gloss/ops/div.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T, class F>
Tensor<T> round_by(const char* op, const Tensor<T>& x, F f) {
  if constexpr (Real<T>)
    return record(op, map_unary<T>(x, f), {x}, [](const Tensor<T>& dy, Grads& dx) { dx.add(0, zeros_like(dy)); });
  else
    return x.clone();
}
}  // namespace detail

/// y = the largest whole number not above x; whole numbers stay as they are.
/// Backward: dx = 0.
/// PyTorch: torch.floor
template <Number T>
Tensor<T> floor(const Tensor<T>& x) {
  return detail::round_by("floor", x, [](auto v) { return std::floor(v); });
}
/// y = the smallest whole number not below x; whole numbers stay as they are.
/// Backward: dx = 0.
/// PyTorch: torch.ceil
template <Number T>
Tensor<T> ceil(const Tensor<T>& x) {
  return detail::round_by("ceil", x, [](auto v) { return std::ceil(v); });
}
/// y = the whole part of x; whole numbers stay as they are.
/// Backward: dx = 0.
/// PyTorch: torch.trunc
template <Number T>
Tensor<T> trunc(const Tensor<T>& x) {
  return detail::round_by("trunc", x, [](auto v) { return std::trunc(v); });
}
/// y = the whole number nearest to x, the even one of two; whole numbers stay as they are.
/// Backward: dx = 0.
/// PyTorch: torch.round
template <Number T>
Tensor<T> round(const Tensor<T>& x) {
  return detail::round_by("round", x, [](auto v) { return std::nearbyint(v); });
}

/// y = x rounded to this many decimal places, or for a negative number of them to tens, hundreds, ...
/// Backward: dx = 0.
/// PyTorch: torch.round(x, decimals=...)
template <Real T>
Tensor<T> round(const Tensor<T>& x, int decimals) {
  const T scale = static_cast<T>(std::pow(10.0, std::abs(static_cast<double>(decimals))));
  return detail::round_by("round", x, [scale, decimals](T v) {
    return decimals < 0 ? std::nearbyint(v / scale) * scale : std::nearbyint(v * scale) / scale;
  });
}

/// y = x - trunc x, the part after the point, with the sign of x.
/// Backward: dx = dy.
/// PyTorch: torch.frac
template <Real T>
Tensor<T> frac(const Tensor<T>& x) {
  return x - trunc(x);
}

}  // namespace gloss::inline GLOSS_ABI
