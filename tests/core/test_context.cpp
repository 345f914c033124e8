#include <thread>
#include <type_traits>

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

TEST_CASE("context: each thread has a default stream of its own, seeded with 0") {
  std::uint32_t first[2];
  for (std::uint32_t& x : first) std::thread([&] { x = current_rng()(); }).join();
  CHECK(first[0] == first[1]);
  CHECK(first[0] == Rng(0)());
}

TEST_CASE("context: the stream in use belongs to its thread") {
  Rng mine(7);
  const RngGuard guard(mine);
  std::thread([&] { current_rng()(); }).join();
  CHECK(mine.position() == 0);
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
