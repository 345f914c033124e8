// What a Profile makes of it is in tests/tensor/test_profile.cpp.
#include <string>
#include <utility>

#include <gloss/core/profile_scope.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

struct Heard final : ProfileSink {
  std::string events;
  double flops = 0, bytes = 0;
  const void* result = nullptr;
  void begin(const char* op, bool backward) override { events += std::string(backward ? " back " : " ") + op; }
  void end(double f, double b, const void* r) noexcept override {
    events += " end";
    flops = f, bytes = b, result = r;
  }
  void name(const char*, const void*) override {}
};

}  // namespace

TEST_CASE("ProfileScope: is off while nobody listens") {
  const ProfileScope scope("op");
  CHECK_FALSE(scope);
}

TEST_CASE("ProfileScope: tells the sink of its thread when it begins and ends, and what was counted") {
  Heard heard;
  ProfileSink* const before = std::exchange(detail::profile, &heard);
  const int memory = 0;
  {
    ProfileScope outer("outer");
    CHECK(outer);
    outer.flops({2, 3, 4});
    outer.flops({1});
    outer.bytes(4, {5, 6});
    outer.makes(&memory);
    const ProfileScope inner("inner", true);
  }
  detail::profile = before;
  CHECK(heard.events == " outer back inner end end");
  CHECK(heard.flops == 25);
  CHECK(heard.bytes == 44);
  CHECK(heard.result == &memory);
}
