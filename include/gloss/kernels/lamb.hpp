// LAMB in two passes over memory: the step of all elements hangs on two norms.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/math.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; r = m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) +
/// eps) + weight_decay p; p -= lr |p| / |r| r, without the quotient where a norm is 0. The norms are added up over
/// pieces of one size, whatever the number of threads.
template <class T>
void lamb_step(T* p, const T* g, T* m, T* v, Index n, double lr, double beta1, double beta2, double eps,
               double weight_decay, Index step) {
  const T scale = static_cast<T>(1 / (1 - std::pow(beta1, static_cast<double>(step))));
  const T root2 = static_cast<T>(1 / std::sqrt(1 - std::pow(beta2, static_cast<double>(step))));
  const T take1 = static_cast<T>(1 - beta1), keep2 = static_cast<T>(beta2), take2 = static_cast<T>(1 - beta2);
  const T tiny = static_cast<T>(eps), decay = static_cast<T>(weight_decay);
  const auto direction = [=](Vec<T> pi, Vec<T> mi, Vec<T> vi)
                             GLOSS_INLINE_LAMBDA { return mi * scale / (sqrt<T>(vi) * root2 + tiny) + pi * decay; };
  constexpr Index piece = 8192;
  const Index pieces = (n + piece - 1) / piece;
  struct Squares {
    double p, r;
  };
  std::vector<Squares> squares(static_cast<std::size_t>(pieces));
  parallel_for(pieces, 1, [&](Index first, Index last) {
    for (Index k = first; k < last; ++k) {
      Vec<T> of_p = splat<T>(0), of_r = splat<T>(0);
      each_vector<T>((std::min)(piece, n - k * piece), [&](Index j, Index count) GLOSS_INLINE_LAMBDA {
        const Index i = k * piece + j;
        const Vec<T> pi = load_n<T>(p + i, count), gi = load_n<T>(g + i, count);
        Vec<T> mi = load_n<T>(m + i, count), vi = load_n<T>(v + i, count, T(1));  // beyond the end r is 0
        mi = mi + (gi - mi) * take1;
        vi = vi * keep2 + gi * gi * take2;
        store_n<T>(m + i, mi, count);
        store_n<T>(v + i, vi, count);
        const Vec<T> r = direction(pi, mi, vi);
        of_p = of_p + pi * pi;
        of_r = of_r + r * r;
      });
      squares[static_cast<std::size_t>(k)] = {static_cast<double>(hsum<T>(of_p)), static_cast<double>(hsum<T>(of_r))};
    }
  });
  double norm_p = 0, norm_r = 0;
  for (const Squares& s : squares) norm_p += s.p, norm_r += s.r;
  const double trust = norm_p > 0 && norm_r > 0 ? std::sqrt(norm_p / norm_r) : 1;
  const T rate = static_cast<T>(lr * trust);
  parallel_for(n, piece, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index count) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      const Vec<T> pi = load_n<T>(p + i, count);
      const Vec<T> r = direction(pi, load_n<T>(m + i, count), load_n<T>(v + i, count));
      store_n<T>(p + i, pi - r * rate, count);
    });
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
