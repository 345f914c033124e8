// The matrix next to another whose singular values are all about 1: Muon's step.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <gloss/kernels/gemm.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// x = x / max(|x|, eps), and then so many times x = a x + (b A + c A A) x with A = x x^T: all singular values come
/// near 1, none is let through unchanged.
/// Shape: x [rows, columns], dense; rows <= columns is fastest.
template <class T>
void newton_schulz(std::vector<T>& x, Index rows, Index columns, std::array<double, 3> coefficients, int times,
                   double eps) {
  double squares = 0;
  for (const T v : x) squares += static_cast<double>(v) * static_cast<double>(v);
  const T scale = static_cast<T>(1 / (std::max)(std::sqrt(squares), eps));
  for (T& v : x) v *= scale;
  const T a = static_cast<T>(coefficients[0]), b = static_cast<T>(coefficients[1]), c = static_cast<T>(coefficients[2]);
  std::vector<T> gram(static_cast<std::size_t>(rows * rows)), update, next;
  for (int i = 0; i < times; ++i) {
    gemm<T>(false, true, rows, rows, columns, 1, x.data(), columns, x.data(), columns, 0, gram.data(), rows);
    update = gram;
    gemm<T>(false, false, rows, rows, rows, c, gram.data(), rows, gram.data(), rows, b, update.data(), rows);
    next = x;
    gemm<T>(false, false, rows, columns, rows, 1, update.data(), rows, x.data(), columns, a, next.data(), columns);
    std::swap(x, next);
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels
