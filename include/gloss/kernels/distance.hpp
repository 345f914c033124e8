// The distances between all rows of two matrices, and their derivative.
#pragma once

#include <cmath>

#include <gloss/core/parallel_for.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

// The sum (or, for Largest, the maximum) of term(|a_k - b_k|) over k, in lanes that are folded in a fixed order.
template <bool Largest, class T, class Term>
T fold_difference(const T* a, const T* b, Index n, Term term) {
  constexpr int lanes = 16;
  const auto join = [](T p, T q) { return Largest ? (q > p || q != q ? q : p) : p + q; };
  T acc[lanes] = {};
  Index k = 0;
  for (; k + lanes <= n; k += lanes)
    for (int l = 0; l < lanes; ++l) acc[l] = join(acc[l], term(std::abs(a[k + l] - b[k + l])));
  for (int l = 0; k < n; ++k, ++l) acc[l] = join(acc[l], term(std::abs(a[k] - b[k])));
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) acc[l] = join(acc[l], acc[l + half]);
  return acc[0];
}

// d |a - b|_p / d a_k, given a_k - b_k and the distance; 0 at distance 0, where it has no derivative; NaN where the
// distance is NaN and has a part in it.
template <class T>
T distance_slope(T difference, T distance, double p) {
  if (distance == 0) return T{0};
  const T sign = static_cast<T>(difference > 0 ? 1 : difference < 0 ? -1 : difference), size = std::abs(difference);
  if (p == 0) return T{0};
  if (p == 1) return sign;
  if (p == 2) return difference / distance;
  if (std::isinf(p)) return size == distance ? sign : T{0};
  if (difference == 0) return distance == distance ? T{0} : distance;
  return sign * std::pow(size / distance, static_cast<T>(p - 1));
}

}  // namespace detail

/// y[i, j] = |a[i] - b[j]|_p = (sum_k |a[i, k] - b[j, k]|^p)^(1/p): the number of differences for p = 0, the largest
/// for infinity. Shape: a [m, n], b [r, n], y [m, r], dense.
template <class T>
void distance_forward(const T* a, const T* b, T* y, Index m, Index r, Index n, double p) {
  parallel_for(m * r, 16384 / (n + 1) + 1, [=](Index begin, Index end) {
    const T e = static_cast<T>(p);
    for (Index o = begin; o < end; ++o) {
      const T *ai = a + o / r * n, *bj = b + o % r * n;
      if (p == 2) {
        y[o] = std::sqrt(detail::fold_difference<false>(ai, bj, n, [](T v) { return v * v; }));
        if (std::isinf(y[o])) {  // the squares, it may be, and not the distance
          y[o] = 0;
          for (Index k = 0; k < n; ++k) y[o] = std::hypot(y[o], ai[k] - bj[k]);
        }
      } else if (p == 1)
        y[o] = detail::fold_difference<false>(ai, bj, n, [](T v) { return v; });
      else if (p == 0)
        y[o] = detail::fold_difference<false>(ai, bj, n, [](T v) { return static_cast<T>(v != 0); });
      else if (std::isinf(p))
        y[o] = detail::fold_difference<true>(ai, bj, n, [](T v) { return v; });
      else
        y[o] = std::pow(detail::fold_difference<false>(ai, bj, n, [e](T v) { return std::pow(v, e); }), 1 / e);
    }
  });
}

/// da[i, k] = sum_j dy[i, j] d y[i, j] / d a[i, k], in the order of j. For db, call it with a and b swapped and with
/// y and dy read by columns.
/// Shape: as forward; y and dy stand at i * row + j * column.
template <class T>
void distance_backward(const T* a, const T* b, const T* y, const T* dy, T* da, Index m, Index r, Index n, Index row,
                       Index column, double p) {
  parallel_for(m, 4096 / (r * n + 1) + 1, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      T* const to = da + i * n;
      for (Index k = 0; k < n; ++k) to[k] = 0;
      for (Index j = 0; j < r; ++j) {
        const T distance = y[i * row + j * column], g = dy[i * row + j * column];
        for (Index k = 0; k < n; ++k) to[k] += g * detail::distance_slope(a[i * n + k] - b[j * n + k], distance, p);
      }
    }
  });
}

GLOSS_INSTANTIATE(void distance_forward<float>(const float*, const float*, float*, Index, Index, Index, double))
GLOSS_INSTANTIATE(void distance_forward<double>(const double*, const double*, double*, Index, Index, Index, double))
GLOSS_INSTANTIATE(void distance_backward<float>(const float*, const float*, const float*, const float*, float*, Index,
                                                Index, Index, Index, Index, double))
GLOSS_INSTANTIATE(void distance_backward<double>(const double*, const double*, const double*, const double*, double*,
                                                 Index, Index, Index, Index, Index, double))

}  // namespace gloss::inline GLOSS_ABI::kernels
