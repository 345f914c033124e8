#include <gloss/core/json_quoted.hpp>

#include "support/catch.hpp"

using gloss::json_quoted;

TEST_CASE("json_quoted: escapes what a JSON string cannot hold, and nothing else") {
  CHECK(json_quoted("") == "\"\"");
  CHECK(json_quoted("größe/<b>'") == "\"größe/<b>'\"");
  CHECK(json_quoted("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(json_quoted(std::string_view("\n\x1f\0", 3)) == "\"\\u000a\\u001f\\u0000\"");
}
