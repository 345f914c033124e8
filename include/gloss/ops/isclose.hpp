// Equality of tensors, exact and within a tolerance
#pragma once

#include <cmath>

#include <gloss/ops/any.hpp>

namespace gloss::inline GLOSS_ABI {

struct CloseOptions {
  double rtol = 1e-5;  // relative to |b|
  double atol = 1e-8;
  bool equal_nan = false;  // whether two NaNs count as equal
};

/// y = |a - b| <= atol + rtol |b|; equal infinities are close.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not, Error for a tolerance that is negative or NaN.
/// PyTorch: torch.isclose
template <Number T>
Tensor<bool> isclose(const Tensor<T>& a, const Tensor<T>& b, CloseOptions options = {}) {
  if (!(options.rtol >= 0)) fail("isclose: rtol ", options.rtol, " is not at least 0");
  if (!(options.atol >= 0)) fail("isclose: atol ", options.atol, " is not at least 0");
  return map_binary<bool>("isclose", a, b, [options](T p, T q) {
    if (p == q || (options.equal_nan && p != p && q != q)) return true;
    double gap;
    if constexpr (Real<T>)
      gap = std::abs(static_cast<double>(p) - static_cast<double>(q));
    else
      gap = static_cast<double>(static_cast<std::uint64_t>(p > q ? p : q) - static_cast<std::uint64_t>(p > q ? q : p));
    return std::isfinite(gap) && gap <= options.atol + options.rtol * std::abs(static_cast<double>(q));
  });
}
/// Whether every pair is close. PyTorch: torch.allclose
template <Number T>
bool allclose(const Tensor<T>& a, const Tensor<T>& b, CloseOptions options = {}) {
  return all(isclose(a, b, options)).item();
}
/// Whether the shapes are the same and all elements equal; NaN equals nothing. PyTorch: torch.equal
template <Element T>
bool equal(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() && all(a == b).item();
}

}  // namespace gloss::inline GLOSS_ABI
