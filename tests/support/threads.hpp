// The number of threads that OpenMP may use, for tests that compare.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace gloss_test {

/// Sets it, and sets it back at the end.
struct Threads {
#ifdef _OPENMP
  int saved = omp_get_max_threads();
  explicit Threads(int n) { omp_set_num_threads(n); }
  ~Threads() { omp_set_num_threads(saved); }
#else
  explicit Threads(int) {}
#endif
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
};

}  // namespace gloss_test
