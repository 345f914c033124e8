// Builds that break the rules are in tests/consume/float_rules.
#include <gloss/core/float_rules.hpp>

#include "support/catch.hpp"

TEST_CASE("float rules: this build keeps them") { CHECK_NOTHROW(gloss::detail::require_float_rules()); }

#ifdef __clang__
TEST_CASE("float rules: numbers that are not what they should be tell the flag") {
  using L = std::numeric_limits<double>;
  const volatile double good[] = {1.0 / 3, L::infinity(), L::quiet_NaN(), 49, 98, 147, 245};
  CHECK(gloss::detail::broken_float_rule(good).empty());
  const volatile double no_nan[] = {1.0 / 3, L::infinity(), 0, 49, 98, 147, 245};
  CHECK(gloss::detail::broken_float_rule(no_nan) == "-fno-honor-nans");
  const volatile double no_infinity[] = {1.0 / 3, 1, L::quiet_NaN(), 49, 98, 147, 245};
  CHECK(gloss::detail::broken_float_rule(no_infinity) == "-fno-honor-infinities");
  const volatile double inexact[] = {1.0 / 3, L::infinity(), L::quiet_NaN(), 49, 99, 147, 245};
  CHECK(gloss::detail::broken_float_rule(inexact) == "-freciprocal-math");
}
#endif
