// A product that no compiler adds to before it is rounded.
#include <gloss/core/rounded_product.hpp>

#include "support/catch.hpp"

using gloss::rounded_product;

TEST_CASE("rounded_product: it is rounded before a sum") {
  const volatile double third = 1.0 / 3, three = 3;
  CHECK(rounded_product<double>(third, three) - 1 == 0);  // the exact product is less by 2^-54
  const volatile float factor = 1.6f, five = -5;
  CHECK(10 + rounded_product<float>(factor, five) == 2);
}
