#include <algorithm>
#include <cstdint>
#include <set>
#include <thread>
#include <type_traits>
#include <vector>

#include <gloss/core/context.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEST_CASE("context: recording is on by default, and guards nest") {
  CHECK(is_grad_enabled());
  {
    const NoGradGuard off;
    CHECK_FALSE(is_grad_enabled());
    {
      const GradGuard on(true);
      CHECK(is_grad_enabled());
      const GradGuard again(false);
      CHECK_FALSE(is_grad_enabled());
    }
    CHECK_FALSE(is_grad_enabled());
  }
  CHECK(is_grad_enabled());
}

TEST_CASE("context: a guard restores its mode when an exception passes") {
  try {
    const NoGradGuard off;
    throw 1;
  } catch (int) {
  }
  CHECK(is_grad_enabled());
}

TEST_CASE("context: grad mode belongs to its thread") {
  const NoGradGuard off;
  bool enabled_there = false;
  std::thread([&] {
    enabled_there = is_grad_enabled();
    const NoGradGuard there;
  }).join();
  CHECK(enabled_there);
  CHECK_FALSE(is_grad_enabled());
}

TEST_CASE("context: draws come from the innermost guard's stream") {
  Rng a(1), b(2);
  const Rng a_before = a, b_before = b;
  {
    const RngGuard use_a(a);
    CHECK(&current_rng() == &a);
    {
      const RngGuard use_b(b);
      CHECK(current_rng()() == Rng(b_before)());
    }
    CHECK(current_rng()() == Rng(a_before)());
  }
  CHECK(&current_rng() != &a);
  CHECK(a.position() == 1);
  CHECK(b.position() == 1);
}

TEST_CASE("context: all threads draw from one default stream, each other numbers") {
  manual_seed(5);
  std::vector<std::uint32_t> drawn;
  for (int i = 0; i < 3; ++i) {
    std::thread([&] { drawn.push_back(current_rng()()); }).join();
    drawn.push_back(current_rng()());
  }
  Rng alone(5);
  for (const std::uint32_t x : drawn) CHECK(x == alone());
}

TEST_CASE("context: threads draw together from the default stream what one draws alone") {
  manual_seed(21);
  const int n_threads = 4, draws = 5000;
  std::vector<std::vector<std::uint64_t>> blocks(n_threads);
  std::vector<std::vector<std::uint32_t>> words(n_threads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < n_threads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < draws; ++i) words[t].push_back(current_rng()());
    });
  for (auto& t : threads) t.join();
  CHECK(current_rng().position() == n_threads * draws / 4);
  std::vector<std::uint32_t> together, alone;
  Rng rng(21);
  for (int i = 0; i < n_threads * draws; ++i) alone.push_back(rng());
  for (const auto& w : words) together.insert(together.end(), w.begin(), w.end());
  std::sort(alone.begin(), alone.end());
  std::sort(together.begin(), together.end());
  CHECK(together == alone);

  threads.clear();
  for (std::size_t t = 0; t < n_threads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < draws; ++i) {
        blocks[t].push_back(current_rng().reserve(5).first);  // two blocks
        current_rng()();                                      // and a word of the next, which the next reserve gives up
      }
    });
  for (auto& t : threads) t.join();
  std::set<std::uint64_t> firsts;
  for (const auto& b : blocks)
    for (const std::uint64_t first : b) {
      firsts.insert(first);
      firsts.insert(first + 1);
    }
  CHECK(firsts.size() == 2 * n_threads * draws);
  CHECK(*firsts.begin() >= n_threads * draws / 4);
}

TEST_CASE("context: manual_seed on any thread restarts the default stream of all") {
  current_rng().reserve(100);
  std::thread([] { manual_seed(11); }).join();
  CHECK(current_rng().seed() == 11);
  CHECK(current_rng().position() == 0);
  std::uint32_t there = 0;
  std::thread([&] { there = current_rng()(); }).join();
  CHECK(there == Rng(11)());
}

TEST_CASE("context: seeding while others draw is a word of one seed or of the other") {
  manual_seed(1);
  std::vector<std::thread> threads;
  for (std::uint64_t seed : {1u, 2u})
    threads.emplace_back([seed] {
      for (int i = 0; i < 1000; ++i) manual_seed(seed);
    });
  bool known = true;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t seed = current_rng().reserve(4).seed;
    known = known && (seed == 1 || seed == 2);
    current_rng()();
  }
  for (auto& t : threads) t.join();
  CHECK(known);
}

TEST_CASE("context: the stream in use belongs to its thread") {
  Rng mine(7);
  const RngGuard guard(mine);
  std::thread([&] { current_rng()(); }).join();
  CHECK(mine.position() == 0);
  CHECK(&current_rng() == &mine);
}

TEST_CASE("context: manual_seed restarts the current stream, and keeps which stream it is") {
  Rng mine(7, 3);
  const RngGuard guard(mine);
  current_rng()();
  manual_seed(9);
  CHECK(mine.seed() == 9);
  CHECK(mine.stream() == 3);
  CHECK(mine.position() == 0);
  CHECK(current_rng()() == Rng(9, 3)());
}

TEST_CASE("context: guards cannot be copied") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<GradGuard>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<NoGradGuard>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<RngGuard>);
}
