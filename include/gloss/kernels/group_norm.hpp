// Normalisation of groups of channels within a sample, forward beside backward.
#pragma once

#include <cmath>

#include <gloss/kernels/channel_moments.hpp>
#include <gloss/kernels/sum_rows.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Of each group of channels of a sample: mean, var = sum of squared deviations / count, rscale = 1 / sqrt(var + eps),
/// and y = gamma (x - mean) rscale + beta, gamma and beta by channel; a null gamma is 1, a null beta 0. var may be
/// null.
/// Shape: x, y [n, channels, size]; gamma, beta [channels]; mean, var, rscale [n, groups].
template <class T>
void group_norm_forward(const T* x, const T* gamma, const T* beta, T* y, T* mean, T* var, T* rscale, Index n,
                        Index channels, Index size, Index groups, double eps) {
  const Index members = channels / groups, row = members * size;
  parallel_for(n * groups, detail::row_grain(row), [=](Index begin, Index end) {
    for (Index k = begin; k < end; ++k) {
      const detail::ChannelMoments all = detail::channel_moments(x + k * row, Index{1}, row, row, eps);
      const double s = all.rscale;
      const T mu = static_cast<T>(all.mean), scale = static_cast<T>(s);
      const Index first = k % groups * members;
      mean[k] = mu;
      if (var != nullptr) var[k] = static_cast<T>(all.var);
      rscale[k] = scale;
      if (size == 1) {
        each_vector<T>(members, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
          const Vec<T> d = (load_n<T>(x + k * row + j, m) - mu) * scale;
          store_n<T>(y + k * row + j,
                     d * detail::load_or<T>(gamma, first + j, m, T(1)) + detail::load_or<T>(beta, first + j, m, T(0)),
                     m);
        });
        continue;
      }
      for (Index j = 0; j < members; ++j) {
        const Index c = first + j, at = k * row + j * size;
        const double both = gamma != nullptr ? s * static_cast<double>(gamma[c]) : s;
        detail::normalize_run<T>(x + at, y + at, size, mu, static_cast<T>(both), beta != nullptr ? beta[c] : T(0));
      }
    }
  });
}

/// With d = x - mean, s = rscale, g = dy gamma, M = channels / groups size:
///   dx = s (g - sum(g) / M - d s^2 sum(g d) / M), the sums over a group; dgamma = sum of dy d s, dbeta = sum of dy.
/// dx, dgamma, dbeta are overwritten; null where not wanted. workspace [2, n, channels].
template <class T>
void group_norm_backward(const T* dy, const T* x, const T* gamma, const T* mean, const T* rscale, T* dx, T* dgamma,
                         T* dbeta, T* workspace, Index n, Index channels, Index size, Index groups) {
  const Index members = channels / groups, row = members * size;
  T *const sums = workspace, *const products = workspace + n * channels;
  parallel_for(n * groups, detail::row_grain(row), [=](Index begin, Index end) {
    for (Index k = begin; k < end; ++k) {
      const double s = static_cast<double>(rscale[k]), count = static_cast<double>(row);
      const Index first = k % groups * members;
      const T mu = mean[k], scale = rscale[k];
      double g_sum = 0, gd_sum = 0;
      if (size == 1) {  // the channels are the lanes
        Vec<T> g_sums{}, gd_sums{};
        each_vector<T>(members, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
          const Vec<T> d = load_n<T>(x + k * row + j, m, mu) - mu, dyj = load_n<T>(dy + k * row + j, m);
          const Vec<T> g = dyj * detail::load_or<T>(gamma, first + j, m, T(1));
          store_n<T>(sums + k * members + j, dyj, m);
          store_n<T>(products + k * members + j, dyj * d * scale, m);
          g_sums = g_sums + g;
          gd_sums = gd_sums + g * d;
        });
        g_sum = static_cast<double>(hsum<T>(g_sums));
        gd_sum = static_cast<double>(hsum<T>(gd_sums));
      }
      for (Index j = 0; size > 1 && j < members; ++j) {
        const Index at = k * row + j * size;
        double a = 0, b = 0;
        detail::gradient_sums<T>(dy + at, x + at, mu, 1, size, size, a, b);
        sums[k * members + j] = static_cast<T>(a);
        products[k * members + j] = static_cast<T>(b * s);
        const double w = gamma != nullptr ? static_cast<double>(gamma[first + j]) : 1;
        g_sum += w * a;
        gd_sum += w * b;
      }
      if (dx == nullptr) continue;
      if (row == 1) {  // a value alone is always its own mean
        dx[k] = T(0);
        continue;
      }
      const T offset = static_cast<T>(g_sum / count), slope = static_cast<T>(s * (s * gd_sum) / count);
      if (size == 1) {
        each_vector<T>(members, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
          const Vec<T> d = load_n<T>(x + k * row + j, m) - mu, dyj = load_n<T>(dy + k * row + j, m);
          const Vec<T> g = dyj * detail::load_or<T>(gamma, first + j, m, T(1));
          store_n<T>(dx + k * row + j, (g - offset - d * slope) * scale, m);
        });
        continue;
      }
      for (Index j = 0; j < members; ++j) {
        const Index at = k * row + j * size;
        const double w = gamma != nullptr ? static_cast<double>(gamma[first + j]) : 1;
        detail::gradient_run<T>(dy + at, x + at, dx + at, size, mu, static_cast<T>(w), offset, slope, scale);
      }
    }
  });
  if (dgamma != nullptr) sum_rows(n, channels, static_cast<const T*>(products), dgamma);
  if (dbeta != nullptr) sum_rows(n, channels, static_cast<const T*>(sums), dbeta);
}

#define GLOSS_GROUP_NORM(T)                                                                                         \
  GLOSS_INSTANTIATE(                                                                                                \
      void group_norm_forward<T>(const T*, const T*, const T*, T*, T*, T*, T*, Index, Index, Index, Index, double)) \
  GLOSS_INSTANTIATE(void group_norm_backward<T>(const T*, const T*, const T*, const T*, const T*, T*, T*, T*, T*,   \
                                                Index, Index, Index, Index))
GLOSS_GROUP_NORM(float)
GLOSS_GROUP_NORM(double)
#undef GLOSS_GROUP_NORM

}  // namespace gloss::inline GLOSS_ABI::kernels
