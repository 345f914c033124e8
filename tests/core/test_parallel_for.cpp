#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <gloss/core/parallel_for.hpp>
#include <gloss/core/range_call.hpp>
#ifdef GLOSS_THREADS_OPENMP
#include <gloss/core/openmp_team.hpp>
#else
#include <gloss/core/thread_pool.hpp>
#endif

#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::Threads;

TEST_CASE("parallel_for: every index is visited once, for any n, grain and number of threads") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads guard(threads);
    for (const Index n : {0, 1, 2, 3, 7, 8, 9, 100, 1001})
      for (const Index grain : {0, 1, 2, 3, 50, 1000, 5000}) {
        std::vector<std::atomic<int>> visits(static_cast<std::size_t>(n));
        parallel_for(n, grain, [&](Index begin, Index end) {
          for (Index i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        bool once = true;
        for (const auto& v : visits) once = once && v == 1;
        CHECK(once);
      }
  }
}

#ifndef GLOSS_ONE_THREAD
TEST_CASE("parallel_for: part i of t threads is [n i / t, n (i + 1) / t), whatever runs it") {
  for (const int threads : {2, 3, 5, 8}) {
    const Threads guard(threads);
    std::mutex mutex;
    std::set<std::pair<Index, Index>> ranges, expected;
    parallel_for(1000, 1, [&](Index begin, Index end) {
      const std::lock_guard lock(mutex);
      ranges.emplace(begin, end);
    });
    for (int i = 0; i < threads; ++i) expected.emplace(1000 * i / threads, 1000 * (i + 1) / threads);
    CHECK(ranges == expected);
  }
}

TEST_CASE("parallel_for: where OpenMP may give fewer threads than wanted, everything is done all the same") {
  const Threads guard(4);
  const int dynamic = omp_get_dynamic();
  omp_set_dynamic(1);
  std::atomic<Index> total{0}, ranges{0};
  parallel_for(1000, 1, [&](Index begin, Index end) { total += end - begin, ++ranges; });
  CHECK(total == 1000);
  CHECK(ranges == 4);
  CHECK(omp_get_dynamic() == 1);
  omp_set_dynamic(dynamic);
}
#endif

TEST_CASE("parallel_for: ranges are not empty, and no more than the threads") {
  for (const int threads : {1, 2, 3, 4}) {
    const Threads guard(threads);
    std::mutex mutex;
    std::vector<std::pair<Index, Index>> ranges;
    parallel_for(1000, 10, [&](Index begin, Index end) {
      const std::lock_guard lock(mutex);
      ranges.emplace_back(begin, end);
    });
    CHECK(ranges.size() <= static_cast<std::size_t>(threads));
    for (const auto& [begin, end] : ranges) CHECK(begin < end);
  }
}

TEST_CASE("parallel_for: nothing is called for n <= 0, and one range for n <= grain") {
  const Threads guard(4);
  int calls = 0;
  parallel_for(0, 1, [&](Index, Index) { ++calls; });
  parallel_for(-5, 1, [&](Index, Index) { ++calls; });
  CHECK(calls == 0);
  parallel_for(64, 64, [&](Index begin, Index end) {
    ++calls;
    CHECK(begin == 0);
    CHECK(end == 64);
  });
  CHECK(calls == 1);
}

TEST_CASE("parallel_for: small work runs on the calling thread") {
  const auto caller = std::this_thread::get_id();
  parallel_for(10, 100, [&](Index, Index) { CHECK(std::this_thread::get_id() == caller); });
}

TEST_CASE("parallel_for: an exception reaches the caller, and the next loop works") {
  const Threads guard(3);
  const auto loop = [](Index bad) {
    parallel_for(300, 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i)
        if (i == bad) throw std::runtime_error("index " + std::to_string(i));
    });
  };
  CHECK_THROWS_WITH(loop(0), "index 0");
  CHECK_THROWS_WITH(loop(150), "index 150");
  CHECK_THROWS_WITH(loop(299), "index 299");
  CHECK_NOTHROW(loop(-1));
}

TEST_CASE("parallel_for: exceptions on all threads at once arrive as one of them") {
  const Threads guard(4);
  CHECK_THROWS_AS(parallel_for(4, 1, [](Index, Index) { throw std::out_of_range("x"); }), std::out_of_range);
}

TEST_CASE("parallel_for: a loop inside a loop runs serially, and covers everything") {
  const Threads guard(2);
  std::vector<std::atomic<int>> visits(20 * 30);
  std::atomic<int> inner_calls{0}, inner_loops{0};
  parallel_for(20, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      ++inner_loops;
      parallel_for(30, 1, [&](Index inner_begin, Index inner_end) {
        ++inner_calls;
        for (Index j = inner_begin; j < inner_end; ++j) ++visits[static_cast<std::size_t>(i * 30 + j)];
      });
    }
  });
  bool once = true;
  for (const auto& v : visits) once = once && v == 1;
  CHECK(once);
  CHECK(inner_loops == 20);
  CHECK(inner_calls == 20);
}

TEST_CASE("parallel_for: inside a parallel region of the host it runs on its thread") {
#ifdef _OPENMP
  const Threads guard(2);
  std::atomic<int> wrong{0}, calls{0};
#pragma omp parallel num_threads(2)
  {
    const auto caller = std::this_thread::get_id();
    if (omp_in_parallel() && num_threads() != 1) ++wrong;
    parallel_for(1000, 1, [&](Index, Index) {
      ++calls;
      if (omp_in_parallel() && std::this_thread::get_id() != caller) ++wrong;
    });
  }
  CHECK(wrong == 0);
  CHECK(calls == 2);
#endif
}

TEST_CASE("parallel_for: fewer threads after more, and loops after a pause, in which the threads have gone to sleep") {
  for (const int threads : {8, 2, 5, 3, 8, 1, 2}) {
    const Threads guard(threads);
    const Index expected = openmp_version != 0 ? threads : 1;
    for (int round = 0; round < 50; ++round) {
      std::atomic<Index> total{0}, ranges{0};
      parallel_for(997, 1, [&](Index begin, Index end) { total += end - begin, ++ranges; });
      if (total != 997 || ranges != expected) FAIL(threads << " threads, round " << round);
      if (round % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  }
}

TEST_CASE("parallel_for: works from several threads of the host at once") {
  std::atomic<Index> total{0};
  std::vector<std::thread> hosts;
  for (int t = 0; t < 4; ++t)
    hosts.emplace_back([&] {
      for (int round = 0; round < 20; ++round)
        parallel_for(1000, 1, [&](Index begin, Index end) { total += end - begin; });
    });
  for (auto& host : hosts) host.join();
  CHECK(total == 4 * 20 * 1000);
}

TEST_CASE("parallel_for: the host's OpenMP settings are untouched") {
#ifdef _OPENMP
  const Threads guard(3);
  const int dynamic = omp_get_dynamic();
  const int levels = omp_get_max_active_levels();
  parallel_for(1000, 1, [](Index, Index) {});
  parallel_for(2, 1, [](Index, Index) {});
  CHECK(omp_get_max_threads() == 3);
  CHECK(num_threads() == (openmp_version != 0 ? 3 : 1));
  CHECK(omp_get_dynamic() == dynamic);
  CHECK(omp_get_max_active_levels() == levels);
#else
  CHECK(num_threads() == 1);
#endif
}
