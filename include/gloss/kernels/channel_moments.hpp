// What normalisations of channels and of groups of channels share: moments block by block, and the passes over a run.
#pragma once

#include <cmath>

#include <gloss/kernels/columns.hpp>
#include <gloss/kernels/large_moments.hpp>

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

}  // namespace gloss::inline GLOSS_ABI::kernels
