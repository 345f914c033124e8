// A process that forks while threads of it compute: the child has one thread, and computes like any process.
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <gloss/core/clock.hpp>
#include <gloss/core/parallel_for.hpp>
#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"
#include "support/threads.hpp"

using namespace gloss;

namespace {

/// What `f` returns in a child of this process, -1 when it has not returned after ten seconds.
template <class F>
int in_child(F f) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(f());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Does f over and over on a thread of its own while it lives.
template <class F>
struct Busy {
  F f;
  std::atomic<bool> stop{false};
  std::thread thread{[this] {
    while (!stop) f();
  }};
  explicit Busy(F what) : f(what) {}
  ~Busy() { stop = true, thread.join(); }
};

#ifndef GLOSS_ONE_THREAD
/// Whether both halves of a loop are ever worked on at the same time, which takes two threads.
bool two_threads_meet() {
  std::atomic<int> here{0};
  std::atomic<bool> met{false};
  parallel_for(2, 1, [&](Index, Index) {
    if (++here == 2) met = true;
    for (const double end = monotonic_seconds() + 2; !met && monotonic_seconds() < end;) std::this_thread::yield();
    --here;
  });
  return met;
}
#endif

}  // namespace

#ifdef GLOSS_THREADS_OPENMP
TEST_CASE("fork: where loops run on an OpenMP team, those of the child run on its one thread, and the parent's on") {
  const gloss_test::Threads two(2);
  REQUIRE(two_threads_meet());
  CHECK(in_child([] {
          int loops = 0;
          Index total = 0;
          parallel_for(1000, 1, [&](Index begin, Index end) { ++loops, total += end - begin; });
          return num_threads() == 1 && loops == 1 && total == 1000 ? 7 : 0;
        }) == 7);
  CHECK(num_threads() == 2);
  CHECK(two_threads_meet());
}
#elif !defined(GLOSS_ONE_THREAD)
TEST_CASE("fork: loops of the child run on threads of its own") {
  const gloss_test::Threads two(2);
  REQUIRE(two_threads_meet());
  CHECK(in_child([] { return two_threads_meet() ? 7 : 0; }) == 7);
  CHECK(two_threads_meet());
}

TEST_CASE("fork: a child made in the middle of another thread's loop has its own all the same") {
  const gloss_test::Threads two(2);
  std::atomic<int> loops{0};
  Busy others([&] {
    const gloss_test::Threads two_here(2);
    parallel_for(2, 1, [&](Index, Index) {
      for (const double end = monotonic_seconds() + 1e-3; monotonic_seconds() < end;) {
      }
    });
    ++loops;
  });
  while (loops < 2) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) CHECK(in_child([] { return two_threads_meet() ? 7 : 0; }) == 7);
}
#endif

TEST_CASE("fork: the child asks for memory though another thread was just doing so") {
  std::atomic<int> made{0};
  Busy others([&] {
    for (int i = 0; i < 1000; ++i) empty<float>({3});
    ++made;
  });
  while (made < 1) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) REQUIRE(in_child([] { return static_cast<int>(full<float>({5}, 3).at({4})); }) == 3);
}
#endif
