#include <limits>
#include <type_traits>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

template <class... Parts>
std::string joined(const Parts&... parts) {
  try {
    fail(parts...);
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("error: every kind is a gloss::Error, and that is a std::runtime_error") {
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, Error>);
  STATIC_REQUIRE(std::is_base_of_v<Error, ShapeError>);
  STATIC_REQUIRE(std::is_base_of_v<Error, IndexError>);
  STATIC_REQUIRE(std::is_base_of_v<Error, GradError>);
  STATIC_REQUIRE(std::is_base_of_v<Error, LoadError>);
  CHECK_THROWS_AS(fail<ShapeError>("x"), ShapeError);
  CHECK_THROWS_AS(fail<LoadError>("x"), LoadError);
}

TEST_CASE("error: the text joins strings, numbers and shapes as they are") {
  CHECK(joined("matmul: inner dimensions differ: a ", Shape{2, 3, 4}, ", b ", Shape{2, 5, 6}) ==
        "matmul: inner dimensions differ: a [2, 3, 4], b [2, 5, 6]");
  CHECK(joined(std::string("load"), ": ", std::string_view("file.bin"), ':', 12) == "load: file.bin:12");
  CHECK(joined(-1, ' ', 3u, ' ', Index{1} << 40) == "-1 3 1099511627776");
  CHECK(joined(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(joined(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(joined(std::uint8_t{200}) == "200");
}

TEST_CASE("error: bools read true and false, and pointers to characters stay strings") {
  const char* text = "abc";
  CHECK(joined(true, " ", false) == "true false");
  CHECK(joined(text) == "abc");
}

TEST_CASE("error: floating-point parts are the shortest that read back the same") {
  CHECK(joined(0.1) == "0.1");
  CHECK(joined(0.1f) == "0.1");
  CHECK(joined(-2.5) == "-2.5");
  CHECK(joined(1e-30) == "1e-30");
  CHECK(joined(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(joined(std::numeric_limits<double>::lowest()) == "-1.7976931348623157e+308");
}
