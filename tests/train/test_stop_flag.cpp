// A wish to stop
#include <csignal>

#include <gloss/train/stop_flag.hpp>

#include "support/catch.hpp"

using gloss::train::StopFlag;

namespace {
volatile std::sig_atomic_t heard = 0;
}

TEST_CASE("StopFlag: SIGINT and SIGTERM raise it, and the old handlers come back") {
  auto* const before = std::signal(SIGTERM, [](int) { heard = heard + 1; });
  for (const int number : {SIGINT, SIGTERM}) {
    const StopFlag flag;
    CHECK_FALSE(StopFlag::is_raised());
    std::raise(number);
    CHECK(StopFlag::is_raised());
  }
  CHECK(heard == 0);
  std::raise(SIGTERM);
  CHECK(heard == 1);
  std::signal(SIGTERM, before);
}

TEST_CASE("StopFlag: the first one lowers it, one within does not; raise() does without signals") {
  const StopFlag outer(false);
  CHECK_FALSE(StopFlag::is_raised());
  StopFlag::raise();
  {
    const StopFlag inner;
    CHECK(StopFlag::is_raised());
  }
  CHECK(StopFlag::is_raised());
}

TEST_CASE("StopFlag: without signals the program's own handler is called") {
  auto* const before = std::signal(SIGTERM, [](int) { heard = heard + 1; });
  heard = 0;
  {
    const StopFlag flag(false);
    std::raise(SIGTERM);
    CHECK_FALSE(StopFlag::is_raised());
  }
  CHECK(heard == 1);
  std::signal(SIGTERM, before);
}
