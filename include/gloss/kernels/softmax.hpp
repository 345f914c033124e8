// Softmax and log-softmax over the last axis, rows in parallel, each row read while it is in cache.
#pragma once

#include <limits>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd_math.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// How many rows of n elements are worth a thread.
inline Index row_grain(Index n, Index elements = 8192) { return n >= elements ? 1 : elements / (n > 0 ? n : 1); }

template <class T>
GLOSS_INLINE T row_max(const T* x, Index n) {
  constexpr T lowest = -std::numeric_limits<T>::infinity();
  Vec<T> m0 = splat<T>(lowest), m1 = m0;
  Index i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
    m0 = vmax<T>(m0, load<T>(x + i));
    m1 = vmax<T>(m1, load<T>(x + i + lanes<T>));
  }
  each_vector<T>(n - i,
                 [&](Index j, Index m) GLOSS_INLINE_LAMBDA { m0 = vmax<T>(m0, load_n<T>(x + i + j, m, lowest)); });
  return hmax<T>(vmax<T>(m0, m1));
}

}  // namespace detail

/// y = exp(x - max) / sum exp(x - max) by rows; y may be x. A row of -infinity gives NaN.
/// Shape: x, y [rows, n].
template <class T>
void softmax_forward(const T* x, T* y, Index rows, Index n) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      T* yr = y + r * n;
      const T max = detail::row_max<T>(xr, n);
      const auto exp_at = [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        return exp<T>(load_n<T>(xr + i, m, -std::numeric_limits<T>::infinity()) - max);
      };
      // A short row computes its exponentials twice: reading them back so soon would wait for the stores.
      const bool long_row = n > 6 * lanes<T>;
      Vec<T> sum{};
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> e = exp_at(i, m);
        sum = sum + e;
        if (long_row) store_n<T>(yr + i, e, m);
      });
      const T scale = T(1) / hsum<T>(sum);
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        store_n<T>(yr + i, (long_row ? load_n<T>(yr + i, m) : exp_at(i, m)) * scale, m);
      });
    }
  });
}

/// dx = y (dy - sum(dy y)); dx may be dy.
template <class T>
void softmax_backward(const T* y, const T* dy, T* dx, Index rows, Index n) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* yr = y + r * n;
      const T* dyr = dy + r * n;
      T* dxr = dx + r * n;
      Vec<T> dots{};
      each_vector<T>(
          n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { dots = dots + load_n<T>(yr + i, m) * load_n<T>(dyr + i, m); });
      const T dot = hsum<T>(dots);
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        store_n<T>(dxr + i, load_n<T>(yr + i, m) * (load_n<T>(dyr + i, m) - dot), m);
      });
    }
  });
}

/// y = x - max - log sum exp(x - max) by rows; y may be x.
/// Shape: x, y [rows, n].
template <class T>
void log_softmax_forward(const T* x, T* y, Index rows, Index n) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      T* yr = y + r * n;
      const T max = detail::row_max<T>(xr, n);
      Vec<T> sum{};
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        sum = sum + exp<T>(load_n<T>(xr + i, m, -std::numeric_limits<T>::infinity()) - max);
      });
      const T log_sum = log<T>(splat<T>(hsum<T>(sum)))[0];
      each_vector<T>(n, [&](Index i, Index m)
                            GLOSS_INLINE_LAMBDA { store_n<T>(yr + i, (load_n<T>(xr + i, m) - max) - log_sum, m); });
    }
  });
}

/// dx = dy - exp(y) sum(dy); dx may be dy.
template <class T>
void log_softmax_backward(const T* y, const T* dy, T* dx, Index rows, Index n) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* yr = y + r * n;
      const T* dyr = dy + r * n;
      T* dxr = dx + r * n;
      Vec<T> sums{};
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { sums = sums + load_n<T>(dyr + i, m); });
      const T sum = hsum<T>(sums);
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        store_n<T>(dxr + i, load_n<T>(dyr + i, m) - exp<T>(load_n<T>(yr + i, m)) * sum, m);
      });
    }
  });
}

GLOSS_INSTANTIATE(void softmax_forward<float>(const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void softmax_forward<double>(const double*, double*, Index, Index))
GLOSS_INSTANTIATE(void softmax_backward<float>(const float*, const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void softmax_backward<double>(const double*, const double*, double*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_forward<float>(const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_forward<double>(const double*, double*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_backward<float>(const float*, const float*, float*, Index, Index))
GLOSS_INSTANTIATE(void log_softmax_backward<double>(const double*, const double*, double*, Index, Index))

}  // namespace gloss::inline GLOSS_ABI::kernels
