// The threads behind parallel_for. They wait a moment for the next loop and then sleep, and nobody waits for one that
// has not begun, so that a loop goes on when other programs hold the cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

#ifdef _WIN32
#include <system_error>
#include <thread>
#else  // <thread> brings streams and clocks with it, which every program would compile
#include <pthread.h>
#include <sched.h>
#endif

#include <gloss/core/clock.hpp>
#include <gloss/core/range_call.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// Whether this thread runs a part of a loop now.
inline thread_local bool in_loop = false;

/// Tells the processor that this thread waits.
inline void relax() {
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
  __builtin_ia32_pause();
#endif
}

/// Waits until word & mask is `value`, or with `other` until it is not: awake for a few microseconds, then letting
/// others run, in all for no longer than `seconds`. Whether that has come.
GLOSS_NOINLINE inline bool wait_awake(const std::atomic<std::uint32_t>& word, std::uint32_t mask, std::uint32_t value,
                                      bool other, double seconds) {
  double end = 0;
  for (int i = 0;; ++i) {
    if (((word.load(std::memory_order_seq_cst) & mask) == value) != other) return true;
    relax();
    if (i < 1000 || i % 50 != 0) continue;
    const double now = monotonic_seconds();
    if (end == 0) end = now + seconds;
    if (now >= end) return false;
#ifdef _WIN32
    std::this_thread::yield();
#else
    sched_yield();
#endif
  }
}

/// One loop at a time, cut into as many parts as it has threads. A part belongs to whoever takes it first: each thread
/// begins with its own, so that it finds what it wrote in the last loop in its cache, and then takes what others have
/// not begun. The caller thus waits only for parts that are being worked on.
class ThreadPool {
 public:
  static constexpr int max_threads = 256;

  /// Never destroyed: its threads sleep until the process ends.
  static ThreadPool& instance() {
    static ThreadPool* const pool = make();
    return *pool;
  }

  /// Calls f on `threads` ranges that cover [0, n). False, and nothing done, while another thread's loop runs.
  /// Errors: what f throws, the first if there are several.
  GLOSS_NOINLINE bool run(Index n, int threads, RangeCall f) {
    if (busy_.test_and_set(std::memory_order_acquire)) return false;
    n_ = n, parts_ = threads < max_threads ? threads : max_threads, f_ = f;
    for (auto& word : taken_) word.store(0, std::memory_order_relaxed);
    hire(parts_ - 1);
    gate_.store(static_cast<std::uint32_t>(parts_) * one_part | open, std::memory_order_release);
    loop_.fetch_add(1, std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_seq_cst) > 0) wake(parts_ - 1);
    in_loop = true;
    work(0);
    in_loop = false;
    gate_.fetch_and(~open, std::memory_order_acq_rel);
    while (!wait_awake(gate_, all_inside, 0, false, 2e-3))
      if (const std::uint32_t now = gate_.load(std::memory_order_acquire); (now & all_inside) != 0) sleep(gate_, now);
    std::exception_ptr error;
    if (failed_.test(std::memory_order_relaxed)) {
      std::swap(error, error_);
      failed_.clear(std::memory_order_relaxed);
    }
    busy_.clear(std::memory_order_release);
    if (error) std::rethrow_exception(error);
    return true;
  }

 private:
  ThreadPool() = default;
  GLOSS_COLD static ThreadPool* make() {
#ifndef _WIN32  // the child of a fork has none of the threads, whatever they were doing, and begins anew
    pthread_atfork(nullptr, nullptr, [] { ::new (&instance()) ThreadPool; });
#endif
    return new ThreadPool;
  }

  // gate_: whether the loop may be entered, how many of the pool's threads are inside, how many parts it has.
  static constexpr std::uint32_t open = 1, one_inside = 2, all_inside = 0xFFFE, one_part = 0x10000;

  /// Sees to it that there are so many threads, or as many as the system gives.
  void hire(int count) {
    while (hired_ < count && start()) ++hired_;
  }
  GLOSS_COLD bool start() {
#ifdef _WIN32
    try {
      std::thread(&ThreadPool::live, this).detach();
      return true;
    } catch (const std::system_error&) {
      return false;
    }
#else
    pthread_t thread;
    if (pthread_create(&thread, nullptr, &ThreadPool::live, this) != 0) return false;
    pthread_detach(thread);
    return true;
#endif
  }
  static void* live(void* pool) {
    ThreadPool& mine = *static_cast<ThreadPool*>(pool);
    mine.serve(mine.ids_.fetch_add(1, std::memory_order_relaxed));
    return nullptr;
  }

  /// Returns when the word is no longer `old`.
  GLOSS_COLD static void sleep(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
    word.wait(old, std::memory_order_seq_cst);
  }
  GLOSS_COLD void wake(int count) {
    if (count >= hired_) return loop_.notify_all();
    for (int i = 0; i < count; ++i) loop_.notify_one();
  }

  /// The life of a thread of the pool.
  void serve(int id) {
    in_loop = true;
    std::uint32_t seen = 0;
    for (;;) {
      if (!wait_awake(loop_, ~std::uint32_t{0}, seen, true, 200e-6)) {
        asleep_.fetch_add(1, std::memory_order_seq_cst);
        sleep(loop_, seen);
        asleep_.fetch_sub(1, std::memory_order_relaxed);
      }
      seen = loop_.load(std::memory_order_acquire);
      std::uint32_t now = gate_.load(std::memory_order_relaxed);
      const auto has_room = [&] { return (now & open) && (now & all_inside) / one_inside + 1 < now / one_part; };
      bool inside = false;
      while (!inside && has_room())
        inside =
            gate_.compare_exchange_weak(now, now + one_inside, std::memory_order_acquire, std::memory_order_relaxed);
      if (!inside) continue;
      work(id);
      now = gate_.fetch_sub(one_inside, std::memory_order_acq_rel) - one_inside;
      if ((now & (open | all_inside)) == 0) gate_.notify_one();
    }
  }

  /// Takes parts, its own first, until none is left.
  void work(int id) {
    for (int i = 0; i < parts_; ++i) {
      const int part = (id + i) % parts_;
      const std::uint64_t bit = std::uint64_t{1} << (part % 64);
      std::atomic<std::uint64_t>& word = taken_[part / 64];
      if ((word.load(std::memory_order_relaxed) & bit) || (word.fetch_or(bit, std::memory_order_relaxed) & bit))
        continue;
      try {
        f_.call(f_.object, n_ * part / parts_, n_ * (part + 1) / parts_);
      } catch (...) {
        if (!failed_.test_and_set(std::memory_order_relaxed)) error_ = std::current_exception();
      }
    }
  }

  alignas(64) std::atomic<std::uint32_t> loop_{0};  // the number of loops begun
  std::atomic<int> asleep_{0}, ids_{1};
  alignas(64) std::atomic<std::uint32_t> gate_{0};
  alignas(64) std::atomic<std::uint64_t> taken_[max_threads / 64] = {};
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT, failed_ = ATOMIC_FLAG_INIT;
  Index n_ = 0;
  int parts_ = 0, hired_ = 0;
  RangeCall f_{};
  std::exception_ptr error_;
};

}  // namespace gloss::inline GLOSS_ABI::detail
