// How many multiplications and additions a second the processor does when nothing holds them up.
#pragma once

#include <gloss/core/clock.hpp>
#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/simd.hpp>

#define GLOSS_ISA_FILE <gloss/kernels/fma_peak.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE

namespace gloss::inline GLOSS_ABI::kernels {

/// Floating-point operations a second (two for a multiply-add) on all threads that parallel_for uses, with the vectors
/// that products use: the best of several runs of about `seconds`. What a matrix product cannot exceed.
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
      for (Index i = from; i < to; ++i) sum += GLOSS_ON_ISA(detail::multiply_and_add<T>(n, factor, factor));
      if (sum < T(0)) sink = sum;  // never, but the compiler does not know
    });
    const double took = monotonic_seconds() - begin;
    const double flops = static_cast<double>(n * threads * GLOSS_ON_ISA(detail::peak_round<T>));
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
