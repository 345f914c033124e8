// What a training tells of itself
#include <gloss/train/event.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEST_CASE("Event: its values are found by name") {
  const train::Event event{.phase = "train", .step = 3, .values = {{"loss", 0.5}, {"lr", 0.1}}};
  REQUIRE(event.find("lr"));
  CHECK(*event.find("lr") == 0.1);
  CHECK(*event.find("loss") == 0.5);
  CHECK(event.find("accuracy") == nullptr);
}
