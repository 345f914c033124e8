// Powers of matrices
#pragma once

#include <gloss/linalg/inv.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

/// y = a a ... a, `exponent` times; the identity for 0, and powers of the inverse below.
/// Shape: [..., n, n] -> the same.
/// Errors: ShapeError when a is not square; for negative exponents Error naming the matrix that is singular.
/// Backward: by its products.
/// PyTorch: torch.linalg.matrix_power
template <Real T>
Tensor<T> matrix_power(const Tensor<T>& a, Index exponent) {
  detail::check_square("matrix_power", a.shape());
  if (exponent == 0) return eye<T>(a.size(-1)).expand(a.shape()).clone();
  Tensor<T> square = exponent < 0 ? detail::inverse("matrix_power", a) : a, y;
  auto rest = exponent < 0 ? 0 - static_cast<std::uint64_t>(exponent) : static_cast<std::uint64_t>(exponent);
  for (;; square = matmul(square, square)) {
    if (rest % 2 == 1) y = y.defined() ? matmul(y, square) : square;
    if ((rest /= 2) == 0) return y;
  }
}

}  // namespace gloss::inline GLOSS_ABI::linalg
