// Softmax and log-softmax along an axis that others follow: neighbouring columns are the lanes.
#pragma once

#include <gloss/kernels/columns.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// softmax_forward, or log_softmax_forward, along the middle axis; y may be x.
/// Shape: x, y [outer, n, inner].
template <class T, bool logarithm>
void softmax_columns_forward(const T* x, T* y, Index outer, Index n, Index inner) {
  detail::each_column<T>(outer, n, inner, [=]<Index k>(Index o, Index c, Index m) GLOSS_INLINE_LAMBDA {
    constexpr Index l = lanes<T>;
    const T* const from = x + o * n * inner + c;
    T* const to = y + o * n * inner + c;
    detail::Columns<T, k> most;
    GLOSS_UNROLL for (Index i = 0; i < k; ++i) most.v[i] = splat<T>(-std::numeric_limits<T>::infinity());
    for (Index r = 0; r < n; ++r)
      GLOSS_UNROLL for (Index i = 0; i < k; ++i) most.v[i] = vmax<T>(most.v[i], load_n<T>(from + r * inner + i * l, m));
    detail::Columns<T, k> sums = detail::column_sums<T, k>(n, [&](Index r, Index i) GLOSS_INLINE_LAMBDA {
      const Vec<T> e = exp<T>(load_n<T>(from + r * inner + i * l, m) - most.v[i]);
      if constexpr (!logarithm) store_n<T>(to + r * inner + i * l, e, m);
      return e;
    });
    GLOSS_UNROLL for (Index i = 0; i < k; ++i) sums.v[i] = logarithm ? log<T>(sums.v[i]) : T(1) / sums.v[i];
    for (Index r = 0; r < n; ++r) GLOSS_UNROLL for (Index i = 0; i < k; ++i) {
        const Index at = r * inner + i * l;
        if constexpr (logarithm)
          store_n<T>(to + at, (load_n<T>(from + at, m) - most.v[i]) - sums.v[i], m);
        else
          store_n<T>(to + at, load_n<T>(to + at, m) * sums.v[i], m);
      }
  });
}

/// softmax_backward, or log_softmax_backward, along the middle axis; dx may be dy.
/// Shape: y, dy, dx [outer, n, inner].
template <class T, bool logarithm>
void softmax_columns_backward(const T* y, const T* dy, T* dx, Index outer, Index n, Index inner) {
  detail::each_column<T>(outer, n, inner, [=]<Index k>(Index o, Index c, Index m) GLOSS_INLINE_LAMBDA {
    const Index first = o * n * inner + c;
    const auto at = [=](const T* p, Index r, Index i)
                        GLOSS_INLINE_LAMBDA { return load_n<T>(p + first + r * inner + i * lanes<T>, m); };
    const auto sums = detail::column_sums<T, k>(
        n, [&](Index r, Index i) GLOSS_INLINE_LAMBDA { return logarithm ? at(dy, r, i) : at(y, r, i) * at(dy, r, i); });
    for (Index r = 0; r < n; ++r) GLOSS_UNROLL for (Index i = 0; i < k; ++i) {
        Vec<T> d;
        if constexpr (logarithm)
          d = at(dy, r, i) - exp<T>(at(y, r, i)) * sums.v[i];
        else
          d = at(y, r, i) * (at(dy, r, i) - sums.v[i]);
        store_n<T>(dx + first + r * inner + i * lanes<T>, d, m);
      }
  });
}

#define GLOSS_SOFTMAX_COLUMNS(T, logarithm)                                                        \
  GLOSS_INSTANTIATE(void softmax_columns_forward<T, logarithm>(const T*, T*, Index, Index, Index)) \
  GLOSS_INSTANTIATE(void softmax_columns_backward<T, logarithm>(const T*, const T*, T*, Index, Index, Index))
GLOSS_SOFTMAX_COLUMNS(float, false)
GLOSS_SOFTMAX_COLUMNS(float, true)
GLOSS_SOFTMAX_COLUMNS(double, false)
GLOSS_SOFTMAX_COLUMNS(double, true)
#undef GLOSS_SOFTMAX_COLUMNS

}  // namespace gloss::inline GLOSS_ABI::kernels
