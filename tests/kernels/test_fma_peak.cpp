#include <cmath>

#include <gloss/kernels/fma_peak.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEMPLATE_TEST_CASE("fma peak: each round multiplies and adds once on every chain", "", float, double) {
  constexpr Index chains = kernels::detail::peak_chains;
  const TestType start = TestType(chains * (chains - 1) / 2);  // chain j begins at j
  CHECK(kernels::detail::multiply_and_add<TestType>(0, 2, 3) == start);
  CHECK(kernels::detail::multiply_and_add<TestType>(1, 2, 3) == 2 * start + 3 * TestType(chains));
  CHECK(kernels::detail::multiply_and_add<TestType>(2, 2, 3) == 4 * start + 9 * TestType(chains));
}

TEMPLATE_TEST_CASE("fma peak: it is a finite rate", "", float, double) {
  const double peak = kernels::measure_fma_peak<TestType>(0.0005);
  CHECK(peak > 1e6);
  CHECK(std::isfinite(peak));
}
