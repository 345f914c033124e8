// Losses of single elements on dense arrays: their values or their sum in one pass, their gradient in another.
#pragma once

#include <cmath>

#include <gloss/kernels/rectifiers.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// y_i for [0, n) from f(i, m), the vector of elements [i, i + m).
template <class T, class F>
void fill_vectors(T* y, Index n, const F& f) {
  parallel_for(n, 8192, [=, &f](Index begin, Index end) {
    each_vector<T>(end - begin,
                   [&](Index i, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(y + begin + i, f(begin + i, m), m); });
  });
}
/// The sum of the same elements without storing them: by chunks of a fixed size, then in double, so that it has the
/// same bits for any number of threads.
template <class T, class F>
T sum_vectors(Index n, const F& f) {
  constexpr Index chunk = 4096;
  const Index chunks = (n + chunk - 1) / chunk;
  T* const partial = detail::workspace<0>().template get<T>(chunks);
  parallel_for(chunks, 4, [=, &f](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      const Index first = c * chunk;
      Vec<T> sums[2] = {};
      each_vector<T>((std::min)(chunk, n - first), [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        Vec<T> v = f(first + i, m);
        if (m < lanes<T>) {  // what lies beyond the end counts nothing
          T kept[lanes<T>] = {};
          store_n<T>(kept, v, m);
          v = load_n<T>(kept, lanes<T>);
        }
        sums[i / lanes<T> % 2] = sums[i / lanes<T> % 2] + v;
      });
      partial[c] = hsum<T>(sums[0] + sums[1]);
    }
  });
  double total = 0;
  for (Index c = 0; c < chunks; ++c) total += static_cast<double>(partial[c]);
  return static_cast<T>(total);
}

/// A function of d = x - target and its derivative.
template <class T>
struct SquaredLoss {
  GLOSS_INLINE Vec<T> value(Vec<T> d) const { return d * d; }
  GLOSS_INLINE Vec<T> slope(Vec<T> d) const { return d * T(2); }
};
template <class T>
struct AbsoluteLoss {
  GLOSS_INLINE Vec<T> value(Vec<T> d) const { return abs<T>(d); }
  GLOSS_INLINE Vec<T> slope(Vec<T> d) const {
    return select<T>(d > T(0), splat<T>(T(1)), select<T>(d < T(0), splat<T>(T(-1)), d));
  }
};
/// scale d^2 / 2 up to |d| = bend, from there on a line.
template <class T>
struct BentLoss {
  T bend, scale;
  GLOSS_INLINE Vec<T> value(Vec<T> d) const {
    const Vec<T> a = abs<T>(d);
    return select<T>(a < bend, a * a * (scale / 2), (a - bend / 2) * (scale * bend));
  }
  GLOSS_INLINE Vec<T> slope(Vec<T> d) const { return detail::clamp<T>(d, -bend, bend) * scale; }
};

/// -(t ln x + (1 - t) ln(1 - x)), each logarithm at least -100.
template <class T>
GLOSS_INLINE Vec<T> binary_cross_entropy(Vec<T> x, Vec<T> t) {
  const Vec<T> least = splat<T>(T(-100)), rest = T(1) - x;
  const Vec<T> log_rest = select<T>(rest > T(0), log<T>(rest) - (x - (T(1) - rest)) / rest, log<T>(rest));
  const Vec<T> on = log<T>(x);
  return -(t * select<T>(on < least, least, on) + (T(1) - t) * select<T>(log_rest < least, least, log_rest));
}
/// By x: (x - t) / max(x (1 - x), 1e-12).
template <class T>
GLOSS_INLINE Vec<T> binary_cross_entropy_slope(Vec<T> x, Vec<T> t) {
  return (x - t) / vmax<T>((T(1) - x) * x, splat<T>(T(1e-12)));
}
/// p t ln(1 + e^-x) + (1 - t) ln(1 + e^x): no term loses the digits of another.
template <class T>
GLOSS_INLINE Vec<T> binary_cross_entropy_of_logits(Vec<T> x, Vec<T> t, Vec<T> p) {
  const Vec<T> bend = detail::log1p_unit<T>(exp<T>(-abs<T>(x)));
  return p * t * (vmax<T>(-x, Vec<T>{}) + bend) + (T(1) - t) * (vmax<T>(x, Vec<T>{}) + bend);
}
/// By x: (1 - t) sigmoid(x) - p t sigmoid(-x).
template <class T>
GLOSS_INLINE Vec<T> binary_cross_entropy_of_logits_slope(Vec<T> x, Vec<T> t, Vec<T> p) {
  return (T(1) - t) * sigmoid<T>(x) - p * t * sigmoid<T>(-x);
}

}  // namespace gloss::inline GLOSS_ABI::kernels
