// The nearest name.
#include <gloss/core/nearest.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEST_CASE("edit_distance: counts insertions, removals and replacements, in both directions alike") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("sitting", "kitten") == 3);
  CHECK(edit_distance("layers.0.norm", "layers.0.norm") == 0);
  CHECK(edit_distance("flaw", "lawn") == 2);
}

TEST_CASE("nearest_name: is the first of the closest, and empty when nothing is close") {
  CHECK(nearest_name("wieght", {"bias", "weight", "weights"}) == "weight");
  CHECK(nearest_name("layers.1.b", {"layers.0.b", "layers.2.b"}) == "layers.0.b");
  CHECK(nearest_name("weight", {}).empty());
  CHECK(nearest_name("weight", {"running_mean", "b"}).empty());
  CHECK(nearest_name("abcd", {"abxy"}) == "abxy");
  CHECK(nearest_name("a.weight", {"a.kernel.weight"}) == "a.kernel.weight");
  CHECK(nearest_name("abcd", {"axyz"}).empty());
}
