#include <support/catch.hpp>

#include <gloss/text/tiktoken.hpp>
#include <support/tokenizer_golden.hpp>

using namespace gloss;
using gloss_test::tokenizer_path;
using text::parse_tiktoken;

TEST_CASE("tiktoken: ids and texts are tiktoken's") {
  gloss_test::check_cases(text::load_tiktoken(tokenizer_path("ranks.tiktoken"), {.pattern = "cl100k_base"}), "ranks");
}

TEST_CASE("tiktoken: special tokens follow the ranks") {
  const text::Pipeline tokenizer =
      text::load_tiktoken(tokenizer_path("ranks.tiktoken"), {.special_tokens = {{"<|end|>", 600}}});
  const std::vector<Index> ids = tokenizer.encode("the world<|end|>");
  CHECK(ids.back() == 600);
  CHECK(tokenizer.size() == 601);
  CHECK(tokenizer.decode(ids) == "the world");
  CHECK(tokenizer.decode(ids, false) == "the world<|end|>");
}

TEST_CASE("tiktoken: a damaged file is named with the line and the cause") {
  CHECK_THROWS_WITH(parse_tiktoken("YQ==\n", "r"), "load_tiktoken: r:1: expected a token in base64 and its rank");
  CHECK_THROWS_WITH(parse_tiktoken("Y 0\n", "r"), "load_tiktoken: r:1: expected a token in base64 and its rank");
  CHECK_THROWS_WITH(parse_tiktoken("YQ== x\n", "r"), "load_tiktoken: r:1: expected a rank behind the token");
  CHECK_THROWS_WITH(parse_tiktoken("YQ== 1\n", "r"), "load_tiktoken: r:1: the rank is 1, expected 0");
  CHECK_THROWS_WITH(parse_tiktoken("YQ== 0\n", "r"), "load_tiktoken: r: the byte 0 is no token");
  CHECK_THROWS_WITH(parse_tiktoken("", "r", {.pattern = "x"}), "load_tiktoken: the pattern 'x' is not supported");
}
