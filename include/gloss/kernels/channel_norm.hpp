// Normalisation of channels over a batch, and of groups of channels within a sample, forward beside backward.
#pragma once

#include <cmath>

#include <gloss/kernels/columns.hpp>
#include <gloss/kernels/large_moments.hpp>
#include <gloss/kernels/sum_rows.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// Number, mean and sum of squared deviations of what was added so far, in double.
struct Moments {
  double count = 0, mean = 0, square = 0;
  void add(double n, double other_mean, double other_square) {
    const double total = count + n, d = other_mean - mean;
    mean += d * n / total;
    square += other_square + d * d * count * n / total;
    count = total;
  }
};

/// Two sums of vectors in four chains each.
template <class T>
struct TwoSums {
  Vec<T> a[4] = {}, b[4] = {};
  T first() const { return hsum<T>((a[0] + a[1]) + (a[2] + a[3])); }
  T second() const { return hsum<T>((b[0] + b[1]) + (b[2] + b[3])); }
};

/// f(chain, i, m) for the vectors [i, i + m) of [0, n), chain after chain.
template <class T, class F>
GLOSS_INLINE void each_in_chains(Index n, F f) {
  constexpr Index l = lanes<T>;
  Index i = 0;
  for (; i + 4 * l <= n; i += 4 * l) {
    f(0, i, l);
    f(1, i + l, l);
    f(2, i + 2 * l, l);
    f(3, i + 3 * l, l);
  }
  each_vector<T>(n - i, [&](Index j, Index m) GLOSS_INLINE_LAMBDA { f(0, i + j, m); });
}

/// The elements of a channel: `runs` runs of `size` elements, the beginnings `stride` apart, in blocks of some 4,096.
/// Calls f(first run, last run, offset in a run, elements of a run); a block is several whole runs or a piece of one.
template <class F>
GLOSS_INLINE void each_block(Index runs, Index size, F f) {
  constexpr Index most = 4096;
  if (size >= most) {
    for (Index r = 0; r < runs; ++r)
      for (Index i = 0; i < size; i += most) f(r, r + 1, i, size - i < most ? size - i : most);
  } else if (size > 0) {
    const Index many = most / size;
    for (Index r = 0; r < runs; r += many) f(r, r + many < runs ? r + many : runs, Index{0}, size);
  }
}

/// Mean and squared deviations of a channel: each block twice, the second time from the nearest cache.
template <class T>
GLOSS_INLINE Moments moments_of(const T* x, Index runs, Index size, Index stride) {
  Moments all;
  each_block(runs, size, [&](Index first, Index last, Index offset, Index n) GLOSS_INLINE_LAMBDA {
    TwoSums<T> s;
    for (Index r = first; r < last; ++r) {
      const T* p = x + r * stride + offset;
      each_in_chains<T>(n, [&](int c, Index i, Index m) GLOSS_INLINE_LAMBDA { s.a[c] = s.a[c] + load_n<T>(p + i, m); });
    }
    const double count = static_cast<double>((last - first) * n);
    const T mu = static_cast<T>(static_cast<double>(s.first()) / count);
    TwoSums<T> d;  // from mu, which is rounded: a is what that leaves of the mean
    for (Index r = first; r < last; ++r) {
      const T* p = x + r * stride + offset;
      each_in_chains<T>(n, [&](int c, Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> v = load_n<T>(p + i, m, mu) - mu;
        d.a[c] = d.a[c] + v;
        d.b[c] = d.b[c] + v * v;
      });
    }
    const double rest = static_cast<double>(d.first()) / count;
    all.add(count, static_cast<double>(mu) + rest, static_cast<double>(d.second()) - rest * rest * count);
  });
  return all;
}

/// Mean, variance and 1 / sqrt(variance + eps) of a channel.
struct ChannelMoments {
  double mean, var, rscale;
  ChannelMoments(double centre, double variance, double eps)
      : mean(centre), var(variance), rscale(1 / std::sqrt(variance + eps)) {}
};
/// The same where the plain way leaves the range of T; as it is given where the numbers are not all finite.
template <class T>
GLOSS_NOINLINE ChannelMoments channel_large(const T* x, Index runs, Index size, Index stride, double eps,
                                            ChannelMoments otherwise) {
  const LargeMoments m = large_moments(x, runs, size, stride, true);
  if (m.unit == 0) return otherwise;
  const double deviation = m.unit * std::sqrt(m.square / static_cast<double>(runs * size));
  ChannelMoments r(m.unit * m.mean, deviation * deviation, eps);
  r.rscale = 1 / std::hypot(deviation, std::sqrt(eps));
  return r;
}
template <class T>
GLOSS_INLINE ChannelMoments channel_moments(const T* x, Index runs, Index size, Index stride, double eps) {
  const Moments all = moments_of<T>(x, runs, size, stride);
  const ChannelMoments r(all.mean, all.square / all.count, eps);
  return all.square < std::numeric_limits<double>::infinity() ? r : channel_large(x, runs, size, stride, eps, r);
}

/// The sums of dy and of dy (x - mu) over a channel, added to a and b.
template <class T>
GLOSS_INLINE void gradient_sums(const T* dy, const T* x, T mu, Index runs, Index size, Index stride, double& a,
                                double& b) {
  each_block(runs, size, [&](Index first, Index last, Index offset, Index n) GLOSS_INLINE_LAMBDA {
    TwoSums<T> s;
    for (Index r = first; r < last; ++r) {
      const T *p = x + r * stride + offset, *g = dy + r * stride + offset;
      each_in_chains<T>(n, [&](int c, Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> d = load_n<T>(g + i, m);
        s.a[c] = s.a[c] + d;
        s.b[c] = s.b[c] + d * (load_n<T>(p + i, m) - mu);
      });
    }
    a += static_cast<double>(s.first());
    b += static_cast<double>(s.second());
  });
}

/// y = (x - mu) scale + shift.
template <class T>
GLOSS_INLINE void normalize_run(const T* x, T* y, Index n, T mu, T scale, T shift) {
  each_vector<T>(n, [&](Index i, Index m)
                        GLOSS_INLINE_LAMBDA { store_n<T>(y + i, (load_n<T>(x + i, m) - mu) * scale + shift, m); });
}
/// dx = (dy weight - offset - (x - mu) slope) scale.
template <class T>
GLOSS_INLINE void gradient_run(const T* dy, const T* x, T* dx, Index n, T mu, T weight, T offset, T slope, T scale) {
  each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
    store_n<T>(dx + i, (load_n<T>(dy + i, m) * weight - offset - (load_n<T>(x + i, m) - mu) * slope) * scale, m);
  });
}

template <class T>
GLOSS_INLINE Vec<T> load_or(const T* p, Index i, Index m, T otherwise) {
  return p != nullptr ? load_n<T>(p + i, m, otherwise) : splat<T>(otherwise);
}

}  // namespace detail

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

#define GLOSS_CHANNEL_NORM(T)                                                                                        \
  GLOSS_INSTANTIATE(                                                                                                 \
      void batch_norm_forward<T>(const T*, const T*, const T*, T*, T*, T*, T*, Index, Index, Index, double))         \
  GLOSS_INSTANTIATE(                                                                                                 \
      void batch_norm_apply<T>(const T*, const T*, const T*, const T*, const T*, T*, Index, Index, Index))           \
  GLOSS_INSTANTIATE(void batch_norm_backward<T>(const T*, const T*, const T*, const T*, const T*, T*, T*, T*, Index, \
                                                Index, Index, bool))                                                 \
  GLOSS_INSTANTIATE(                                                                                                 \
      void group_norm_forward<T>(const T*, const T*, const T*, T*, T*, T*, T*, Index, Index, Index, Index, double))  \
  GLOSS_INSTANTIATE(void group_norm_backward<T>(const T*, const T*, const T*, const T*, const T*, T*, T*, T*, T*,    \
                                                Index, Index, Index, Index))
GLOSS_CHANNEL_NORM(float)
GLOSS_CHANNEL_NORM(double)
#undef GLOSS_CHANNEL_NORM

}  // namespace gloss::inline GLOSS_ABI::kernels
