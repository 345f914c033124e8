// Normalisation of channels over a batch, forward beside backward.
#pragma once

#include <cmath>

#include <gloss/kernels/channel_moments.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Of each channel over a batch: mean, var = sum of squared deviations / count, rscale = 1 / sqrt(var + eps), and
/// y = gamma (x - mean) rscale + beta; a null gamma is 1, a null beta 0. A null y leaves it at the statistics, which
/// those of other processes may then be joined to before batch_norm_apply. Channels whose squares overflow are
/// normalised all the same, though their var may be infinite.
/// Shape: x, y [n, channels, size]; gamma, beta, mean, var, rscale [channels].
template <class T>
void batch_norm_forward(const T* x, const T* gamma, const T* beta, T* y, T* mean, T* var, T* rscale, Index n,
                        Index channels, Index size, double eps) {
  if (size == 1) {
    return detail::each_column<T>(1, n, channels, [=](Index, Index c, Index width) GLOSS_INLINE_LAMBDA {
      const auto load_at = [=](Index r, Index at, Index m)
                               GLOSS_INLINE_LAMBDA { return load_n<T>(x + r * channels + c + at, m); };
      const T count = static_cast<T>(n);
      auto mu = detail::column_sums<T>(
          n, width, [=](Index r, Index, Index at, Index m) GLOSS_INLINE_LAMBDA { return load_at(r, at, m); });
      for (Vec<T>& v : mu.v) v = v / count;
      detail::Columns<T> rest;  // what the rounding of mu has left out
      const auto square =
          detail::column_sums<T>(n, width, [&](Index r, Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
            const Vec<T> d = load_at(r, at, m) - mu.v[i];
            rest.v[i] = rest.v[i] + d;
            return d * d;
          });
      detail::Columns<T> scale, shift;
      detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
        rest.v[i] = rest.v[i] / count;
        const Vec<T> v = square.v[i] / count - rest.v[i] * rest.v[i];
        store_n<T>(mean + c + at, mu.v[i] + rest.v[i], m);
        store_n<T>(var + c + at, v, m);
        store_n<T>(rscale + c + at, T(1) / sqrt<T>(v + static_cast<T>(eps)), m);
      });
      for (Index k = c; k < c + width; ++k)
        if (!(var[k] < std::numeric_limits<T>::infinity())) {
          const auto [m, v, s] = detail::channel_large(x + k, n, Index{1}, channels, eps, {mean[k], var[k], eps});
          mean[k] = static_cast<T>(m), var[k] = static_cast<T>(v), rscale[k] = static_cast<T>(s);
          const Index i = (k - c) / lanes<T>, lane = (k - c) % lanes<T>;
          mu.v[i][lane] = mean[k], rest.v[i][lane] = T(0);
        }
      detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
        scale.v[i] = load_n<T>(rscale + c + at, m) * detail::load_or<T>(gamma, c + at, m, T(1));
        shift.v[i] = detail::load_or<T>(beta, c + at, m, T(0)) - rest.v[i] * scale.v[i];
      });
      for (Index r = 0; y != nullptr && r < n; ++r)
        detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
          store_n<T>(y + r * channels + c + at, (load_at(r, at, m) - mu.v[i]) * scale.v[i] + shift.v[i], m);
        });
    });
  }
  parallel_for(channels, detail::row_grain(n * size), [=](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      const auto [mu, v, s] = detail::channel_moments(x + c * size, n, size, channels * size, eps);
      const T scale = static_cast<T>(gamma != nullptr ? s * static_cast<double>(gamma[c]) : s);
      mean[c] = static_cast<T>(mu);
      var[c] = static_cast<T>(v);
      rscale[c] = static_cast<T>(s);
      for (Index r = 0; y != nullptr && r < n; ++r)
        detail::normalize_run<T>(x + (r * channels + c) * size, y + (r * channels + c) * size, size, mean[c], scale,
                                 beta != nullptr ? beta[c] : T(0));
    }
  });
}

/// y = gamma (x - mean) rscale + beta with given means and scales, shapes as for batch_norm_forward.
template <class T>
void batch_norm_apply(const T* x, const T* gamma, const T* beta, const T* mean, const T* rscale, T* y, Index n,
                      Index channels, Index size) {
  if (size == 1) {
    return parallel_for(n, detail::row_grain(channels), [=](Index begin, Index end) {
      for (Index r = begin; r < end; ++r)
        each_vector<T>(channels, [&](Index c, Index m) GLOSS_INLINE_LAMBDA {
          const Vec<T> scale = load_n<T>(rscale + c, m) * detail::load_or<T>(gamma, c, m, T(1));
          store_n<T>(y + r * channels + c,
                     (load_n<T>(x + r * channels + c, m) - load_n<T>(mean + c, m)) * scale +
                         detail::load_or<T>(beta, c, m, T(0)),
                     m);
        });
    });
  }
  parallel_for(n * channels, detail::row_grain(size), [=](Index begin, Index end) {
    for (Index k = begin; k < end; ++k) {
      const Index c = k % channels;
      detail::normalize_run<T>(x + k * size, y + k * size, size, mean[c],
                               gamma != nullptr ? rscale[c] * gamma[c] : rscale[c], beta != nullptr ? beta[c] : T(0));
    }
  });
}

/// With d = x - mean, s = rscale, M = n size: dgamma = s sum(dy d), dbeta = sum(dy), and
///   dx = gamma s (dy - sum(dy) / M - d s^2 sum(dy d) / M) where the means were those of x (`of_batch`),
///   dx = gamma s dy where they were given.
/// dx, dgamma, dbeta are overwritten; null where not wanted.
template <class T>
void batch_norm_backward(const T* dy, const T* x, const T* gamma, const T* mean, const T* rscale, T* dx, T* dgamma,
                         T* dbeta, Index n, Index channels, Index size, bool of_batch) {
  const bool sums = of_batch || dgamma != nullptr || dbeta != nullptr;
  if (size == 1) {
    return detail::each_column<T>(1, n, channels, [=](Index, Index c, Index width) GLOSS_INLINE_LAMBDA {
      const auto load_at = [=](const T* p, Index r, Index at, Index m)
                               GLOSS_INLINE_LAMBDA { return load_n<T>(p + r * channels + c + at, m); };
      detail::Columns<T> mu, scale, a, b;
      detail::each_of<T>(
          width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA { mu.v[i] = load_n<T>(mean + c + at, m); });
      if (sums) {
        a = detail::column_sums<T>(
            n, width, [&](Index r, Index, Index at, Index m) GLOSS_INLINE_LAMBDA { return load_at(dy, r, at, m); });
        b = detail::column_sums<T>(n, width, [&](Index r, Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
          return load_at(dy, r, at, m) * (load_at(x, r, at, m) - mu.v[i]);
        });
      }
      detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> s = load_n<T>(rscale + c + at, m);
        if (dgamma != nullptr) store_n<T>(dgamma + c + at, b.v[i] * s, m);
        if (dbeta != nullptr) store_n<T>(dbeta + c + at, a.v[i], m);
        scale.v[i] = s * detail::load_or<T>(gamma, c + at, m, T(1));
        a.v[i] = of_batch ? a.v[i] / static_cast<T>(n) : Vec<T>{};
        b.v[i] = of_batch ? b.v[i] * s * s / static_cast<T>(n) : Vec<T>{};
      });
      for (Index r = 0; dx != nullptr && r < n; ++r)
        detail::each_of<T>(width, [&](Index i, Index at, Index m) GLOSS_INLINE_LAMBDA {
          const Vec<T> d = load_at(x, r, at, m) - mu.v[i];
          store_n<T>(dx + r * channels + c + at, (load_at(dy, r, at, m) - a.v[i] - d * b.v[i]) * scale.v[i], m);
        });
    });
  }
  parallel_for(channels, detail::row_grain(n * size), [=](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      double a = 0, b = 0;
      if (sums) detail::gradient_sums<T>(dy + c * size, x + c * size, mean[c], n, size, channels * size, a, b);
      const double s = static_cast<double>(rscale[c]), count = static_cast<double>(n * size);
      if (dgamma != nullptr) dgamma[c] = static_cast<T>(b * s);
      if (dbeta != nullptr) dbeta[c] = static_cast<T>(a);
      if (dx == nullptr) continue;
      const double scale = gamma != nullptr ? s * static_cast<double>(gamma[c]) : s;
      const double offset = of_batch ? a / count : 0, slope = of_batch ? s * (s * b) / count : 0;
      for (Index r = 0; r < n; ++r) {
        const Index at = (r * channels + c) * size;
        detail::gradient_run<T>(dy + at, x + at, dx + at, size, mean[c], T(1), static_cast<T>(offset),
                                static_cast<T>(slope), static_cast<T>(scale));
      }
    }
  });
}

#define GLOSS_BATCH_NORM(T)                                                                                          \
  GLOSS_INSTANTIATE(                                                                                                 \
      void batch_norm_forward<T>(const T*, const T*, const T*, T*, T*, T*, T*, Index, Index, Index, double))         \
  GLOSS_INSTANTIATE(                                                                                                 \
      void batch_norm_apply<T>(const T*, const T*, const T*, const T*, const T*, T*, Index, Index, Index))           \
  GLOSS_INSTANTIATE(void batch_norm_backward<T>(const T*, const T*, const T*, const T*, const T*, T*, T*, T*, Index, \
                                                Index, Index, bool))
GLOSS_BATCH_NORM(float)
GLOSS_BATCH_NORM(double)
#undef GLOSS_BATCH_NORM

}  // namespace gloss::inline GLOSS_ABI::kernels
