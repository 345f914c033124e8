// How many multiplications and additions a second the processor does when nothing holds them up.
#pragma once

#include <gloss/core/clock.hpp>
#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {
/// Sums that do not wait for each other: as many as registers hold beside two factors.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int peak_chains = 16;
#else
inline constexpr int peak_chains = 10;
#endif

/// n rounds of x = x * a + b on every chain, all in registers.
template <class T>
GLOSS_NOINLINE T multiply_and_add(Index n, T a, T b) {
  using V = Vec<T>;
  const V va = splat<T>(a), vb = splat<T>(b);
  V x[peak_chains];
  GLOSS_UNROLL for (int j = 0; j < peak_chains; ++j) x[j] = splat<T>(static_cast<T>(j));
  for (Index i = 0; i < n; ++i) {
    GLOSS_UNROLL for (int j = 0; j < peak_chains; ++j) x[j] = x[j] * va + vb;
  }
  V sum = x[0];
  GLOSS_UNROLL for (int j = 1; j < peak_chains; ++j) sum = sum + x[j];
  return sum[0];
}
}  // namespace detail

/// Floating-point operations a second (two for a multiply-add) on all threads that parallel_for uses, with the vectors
/// this code was compiled for: the best of several runs of about `seconds`. What a matrix product cannot exceed.
template <class T>
double measure_fma_peak(double seconds = 0.01) {
  const Index threads = num_threads();
  volatile T a = T(0.5), sink = T(0);
  double best = 0;
  Index n = 4096;
  for (int good_runs = 0; good_runs < 5;) {
    const T factor = a;
    const double begin = monotonic_seconds();
    parallel_for(threads, 1, [&](Index from, Index to) {
      T sum = T(0);
      for (Index i = from; i < to; ++i) sum += detail::multiply_and_add<T>(n, factor, factor);
      if (sum < T(0)) sink = sum;  // never, but the compiler does not know
    });
    const double took = monotonic_seconds() - begin;
    const double flops = 2.0 * static_cast<double>(n * threads * detail::peak_chains * lanes<T>);
    if (took < seconds / 2) {
      n *= 2;
      continue;
    }
    ++good_runs;
    if (flops / took > best) best = flops / took;
  }
  return best;
}

}  // namespace gloss::inline GLOSS_ABI::kernels
