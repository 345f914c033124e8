#include <thread>
#include <vector>

#include <gloss/core/spin_lock.hpp>

#include "support/catch.hpp"

TEST_CASE("SpinLock: one thread at a time is within") {
  std::atomic_flag busy{};
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const gloss::detail::SpinLock lock(busy);
        ++count;
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(count == 4000);
  CHECK_FALSE(busy.test_and_set());
}
