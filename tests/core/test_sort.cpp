#include <gloss/core/sort.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEST_CASE("sorted_order: numbers stand in the order of what they stand for, equals in theirs") {
  const std::vector<double> x = {3, 1, 2, 1, 3, 0};
  const auto rising = sorted_order(x.size(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  CHECK(rising == std::vector<std::size_t>{5, 1, 3, 2, 0, 4});
  const auto falling = sorted_order(x.size(), [&](std::size_t a, std::size_t b) { return x[a] > x[b]; });
  CHECK(falling == std::vector<std::size_t>{0, 4, 2, 1, 3, 5});
}

TEST_CASE("sorted_order: nothing and one thing are in order, and many equals stay as they are") {
  const auto never = [](std::size_t, std::size_t) { return false; };
  CHECK(sorted_order(0, never).empty());
  CHECK(sorted_order(1, never) == std::vector<std::size_t>{0});
  const auto many = sorted_order(1000, never);
  for (std::size_t i = 0; i < many.size(); ++i) CHECK(many[i] == i);
}
