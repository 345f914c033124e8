// A Reformer on texts as long as it is made for: ctest -L long.
#include "support/catch.hpp"
#include "support/reformer.hpp"

TEST_CASE("reformer: the memory of a training step grows no faster than the text, up to 16,384 positions") {
  const auto peaks = gloss_test::memory_of_lengths({1024, 4096, 16384});
  INFO(peaks[0] << ", " << peaks[1] << ", " << peaks[2] << " bytes");
  CHECK(peaks[1] <= 4 * peaks[0]);
  CHECK(peaks[2] <= 16 * peaks[0]);
}
