// The threads behind parallel_for in a program built with GLOSS_THREADS_OPENMP: a team of the program's OpenMP, whose
// settings are read and never changed.
#pragma once

#include <atomic>
#include <exception>

#include <omp.h>
#ifndef _WIN32
#include <pthread.h>
#endif

#include <gloss/core/range_call.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// Whether this process was forked from one with a team. GCC's OpenMP would wait in it, for ever, for threads that only
/// the parent has; so its loops run on one thread.
inline constinit std::atomic<bool> is_forked{false};

/// Calls f on `threads` ranges that cover [0, n), the pool's ranges, by as many threads as OpenMP gives.
/// Errors: what f throws, the first if there are several.
GLOSS_NOINLINE inline void run_on_team(Index n, int threads, RangeCall f) {
#ifndef _WIN32
  [[maybe_unused]] static const int watched = pthread_atfork(nullptr, nullptr, [] { is_forked = true; });
#endif
  std::exception_ptr error;
  std::atomic<bool> failed{false};
#pragma omp parallel num_threads(threads)
  for (int part = omp_get_thread_num(); part < threads; part += omp_get_num_threads()) {
    try {
      f.call(f.object, n * part / threads, n * (part + 1) / threads);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace gloss::inline GLOSS_ABI::detail
