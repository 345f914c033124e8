// The exponential of matrices
#pragma once

#include <cmath>

#include <gloss/linalg/solve.hpp>
#include <gloss/ops/abs.hpp>
#include <gloss/ops/amax.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

/// y = 1 + a + a^2 / 2 + a^3 / 6 + ..., by a Pade approximation of degree 13 and repeated squaring.
/// Shape: [..., n, n] -> the same.
/// Errors: ShapeError when a is not square.
/// Backward: by its parts.
/// PyTorch: torch.linalg.matrix_exp
/// Source: Higham 2005, The scaling and squaring method for the matrix exponential revisited.
template <Real T>
Tensor<T> matrix_exp(const Tensor<T>& a) {
  detail::check_square("matrix_exp", a.shape());
  if (a.numel() == 0) return a.clone();
  // halved so often that the sum of absolute values is at most 5.37 in every column, where the approximation is exact
  const Tensor<T> size = amax(sum(abs(a.detach()), -2), -1).unsqueeze(-1).unsqueeze(-1);
  const Tensor<T> halvings = map_unary<T>(
      size, [](T v) { return std::isfinite(v) && v > T(5.37) ? std::ceil(std::log2(v / T(5.37))) : T{0}; });
  const Tensor<T> x = a * map_unary<T>(halvings, [](T v) { return std::exp2(-v); }), one = eye<T>(a.size(-1));
  const Tensor<T> x2 = matmul(x, x), x4 = matmul(x2, x2), x6 = matmul(x4, x2);
  const auto sum_of = [&](double c0, double c2, double c4, double c6) {
    return one * c0 + x2 * c2 + x4 * c4 + x6 * c6;
  };
  // the coefficients of Pade's polynomial, over the first one
  const Tensor<T> odd =
      matmul(x, sum_of(1. / 2, 11. / 600, 3. / 18400, 1. / 1932000) +
                    matmul(x6, x2 * (1. / 1585785600) + x4 * (1. / 3953892096000) + x6 * (1. / 64764752532480000)));
  const Tensor<T> even = sum_of(1, 3. / 25, 11. / 5520, 1. / 96600) +
                         matmul(x6, x2 * (1. / 48944000) + x4 * (1. / 67395888000.) + x6 * (1. / 355850288640000.));
  Tensor<T> y = solve(even - odd, even + odd);
  for (T done = 0; done < amax(halvings).item(); ++done) y = where(halvings > done, matmul(y, y), y);
  return y;
}

}  // namespace gloss::inline GLOSS_ABI::linalg
