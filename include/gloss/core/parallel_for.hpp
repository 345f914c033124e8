// Splits a loop over threads: gloss's own pool, or an OpenMP team, or the calling thread alone, as GLOSS_THREADS_OPENMP
// and GLOSS_THREADS_SERIAL say (core/config.hpp). Without OpenMP, which says how many there are, everything runs on one
// thread.
#pragma once

#include <gloss/core/range_call.hpp>

#if !defined(_OPENMP) || defined(GLOSS_THREADS_SERIAL)
#define GLOSS_ONE_THREAD
#elif defined(GLOSS_THREADS_OPENMP)
#include <gloss/core/openmp_team.hpp>
#else
#include <omp.h>

#include <gloss/core/thread_pool.hpp>
#endif

namespace gloss::inline GLOSS_ABI {

/// The date of the OpenMP standard in use, as 201511, or 0.
#ifdef GLOSS_ONE_THREAD
inline constexpr int openmp_version = 0;
#else
inline constexpr int openmp_version = _OPENMP;
#endif

/// How many threads a parallel_for may use; follows OMP_NUM_THREADS and the host program's own settings.
inline int num_threads() {
#if defined(GLOSS_ONE_THREAD)
  return 1;
#elif defined(GLOSS_THREADS_OPENMP)
  return detail::is_forked.load(std::memory_order_relaxed) || omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return detail::in_loop || omp_in_parallel() ? 1 : omp_get_max_threads();
#endif
}

namespace detail {

GLOSS_NOINLINE inline void parallel_ranges(Index n, [[maybe_unused]] Index grain, RangeCall f) {
#ifndef GLOSS_ONE_THREAD
  const Index per_thread = grain > 0 ? grain : 1;
  if (n > per_thread) {
    const Index threads_wanted = (n + per_thread - 1) / per_thread;
    const Index available = num_threads();
    const int threads = static_cast<int>(threads_wanted < available ? threads_wanted : available);
#ifdef GLOSS_THREADS_OPENMP
    if (threads > 1) return run_on_team(n, threads, f);
#else
    if (threads > 1 && ThreadPool::instance().run(n, threads, f)) return;
#endif
  }
#endif
  f.call(f.object, 0, n);
}

}  // namespace detail

/// Calls f(begin, end) on disjoint ranges that cover [0, n), each of at least about `grain` iterations.
/// Runs serially when n <= grain, on one thread, or inside another parallel region. The ranges depend on the number of
/// threads, so f must treat every index alone: a reduction first cuts its input into fixed chunks.
/// Errors: an exception thrown by f is rethrown to the caller, the first one if there are several.
template <class F>
void parallel_for(Index n, Index grain, const F& f) {
  if (n <= 0) return;
  detail::parallel_ranges(
      n, grain, {&f, [](const void* object, Index begin, Index end) { (*static_cast<const F*>(object))(begin, end); }});
}

}  // namespace gloss::inline GLOSS_ABI
