// Softmax and log-softmax along an axis that others follow: neighbouring columns are the lanes.
#pragma once

#include <gloss/kernels/columns.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// softmax_forward, or log_softmax_forward, along the middle axis; y may be x.
/// Shape: x, y [outer, n, inner].
template <class T, bool logarithm>
void softmax_columns_forward(const T* x, T* y, Index outer, Index n, Index inner) {
  detail::each_column<T>(outer, n, inner, [=](Index o, Index c, Index width) GLOSS_INLINE_LAMBDA {
    const T* const from = x + o * n * inner + c;
    T* const to = y + o * n * inner + c;
    detail::Columns<T> most;
    for (Vec<T>& v : most.v) v = splat<T>(-std::numeric_limits<T>::infinity());
    for (Index r = 0; r < n; ++r)
      detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
        most.v[i] = vmax<T>(most.v[i], load_n<T>(from + r * inner + at, m));
      });
    detail::Columns<T> sums =
        detail::column_sums<T>(n, width, [&](Index r, Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
          const Vec<T> e = exp<T>(load_n<T>(from + r * inner + at, m) - most.v[i]);
          if constexpr (!logarithm) store_n<T>(to + r * inner + at, e, m);
          return e;
        });
    for (Vec<T>& s : sums.v) s = logarithm ? log<T>(s) : T(1) / s;
    for (Index r = 0; r < n; ++r)
      detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
        const Index k = r * inner + at;
        if constexpr (logarithm)
          store_n<T>(to + k, (load_n<T>(from + k, m) - most.v[i]) - sums.v[i], m);
        else
          store_n<T>(to + k, load_n<T>(to + k, m) * sums.v[i], m);
      });
  });
}

/// softmax_backward, or log_softmax_backward, along the middle axis; dx may be dy.
/// Shape: y, dy, dx [outer, n, inner].
template <class T, bool logarithm>
void softmax_columns_backward(const T* y, const T* dy, T* dx, Index outer, Index n, Index inner) {
  detail::each_column<T>(outer, n, inner, [=](Index o, Index c, Index width) GLOSS_INLINE_LAMBDA {
    const Index first = o * n * inner + c;
    const auto sums = detail::column_sums<T>(n, width, [&](Index r, Index, Index at, Index m) GLOSS_INLINE_LAMBDA {
      const Vec<T> g = load_n<T>(dy + first + r * inner + at, m);
      return logarithm ? g : g * load_n<T>(y + first + r * inner + at, m);
    });
    for (Index r = 0; r < n; ++r)
      detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
        const Index k = first + r * inner + at;
        const Vec<T> g = load_n<T>(dy + k, m), p = load_n<T>(y + k, m);
        if constexpr (logarithm)
          store_n<T>(dx + k, g - exp<T>(p) * sums.v[i], m);
        else
          store_n<T>(dx + k, p * (g - sums.v[i]), m);
      });
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
