#include <support/catch.hpp>

#include <gloss/data/pairs/sentence_pair.hpp>
#include <gloss/data/pairs/tsv.hpp>
#include <support/mutate.hpp>
#include <support/temp_folder.hpp>

using namespace gloss;
using data::parse_tsv;
using Pairs = std::vector<data::SentencePair>;

TEST_CASE("texts_of: a source and its translation, pair by pair") {
  CHECK(data::texts_of({{"a", "b"}, {"c", "d"}}) == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(data::texts_of({}).empty());
}

TEST_CASE("read_tsv: one pair a line") {
  const TempFolder folder;
  CHECK(data::read_tsv(folder.write("p.tsv", "Good morning.\tGuten Morgen.\nNo.\tNein.\n")) ==
        Pairs{{"Good morning.", "Guten Morgen."}, {"No.", "Nein."}});
}

TEST_CASE("read_tsv: a byte order mark, CRLF, empty lines and a missing last line end are accepted") {
  const Pairs expected{{"a", "b"}, {"c", "d"}};
  CHECK(parse_tsv("\xEF\xBB\xBF"
                  "a\tb\r\nc\td\r\n",
                  "p") == expected);
  CHECK(parse_tsv("a\tb\nc\td", "p") == expected);
  CHECK(parse_tsv("a\tb\rc\td\r", "p") == expected);
  CHECK(parse_tsv("a\tb\rc\n", "p") == Pairs{{"a", "b\rc"}});  // text, where lines end otherwise
  CHECK(parse_tsv("\"a\"\t'b\n", "p") == Pairs{{"\"a\"", "'b"}});
  CHECK(parse_tsv("\n\na\tb\r\n\r\nc\td\n\n", "p") == expected);
}

TEST_CASE("read_tsv: a malformed line is named with its cause") {
  CHECK_THROWS_WITH(parse_tsv("a\tb\nc d\n", "pairs.tsv"),
                    "read_tsv: pairs.tsv:2: expected 2 fields separated by a tab, found 1");
  CHECK_THROWS_WITH(parse_tsv("a\tb\tc\n", "pairs.tsv"),
                    "read_tsv: pairs.tsv:1: expected 2 fields separated by a tab, found 3");
  CHECK_THROWS_WITH(parse_tsv("a\tb\n\n\tb\n", "p"), "read_tsv: p:3: the source field is empty");
  CHECK_THROWS_WITH(parse_tsv("a\t\r\n", "p"), "read_tsv: p:1: the target field is empty");
  CHECK_THROWS_WITH(parse_tsv("a\tb\n\xC3\xA4\tx\xE4\n", "p"), "read_tsv: p:2: not UTF-8 at byte 5 of the line");
  CHECK_THROWS_AS(parse_tsv("a", "p"), LoadError);
}

TEST_CASE("read_tsv: an empty set is an error") {
  CHECK_THROWS_WITH(parse_tsv("", "p"), "read_tsv: p: no sentence pairs in the file");
  CHECK_THROWS_WITH(parse_tsv("\xEF\xBB\xBF\r\n\n", "p"), "read_tsv: p: no sentence pairs in the file");
  CHECK_THROWS_WITH(data::read_tsv("/no/such.tsv"), "read_file: /no/such.tsv: No such file or directory");
}

TEST_CASE("read_tsv: a damaged file is read or refused") {
  std::string text;
  for (int i = 0; i < 20; ++i)
    text +=
        "Stra\xC3\x9F"
        "e " +
        std::to_string(i) + "\tstreet\n";
  Rng rng(1);
  int read = 0;
  for (int i = 0; i < 3000; ++i) {
    try {
      for (const auto& pair : parse_tsv(mutate(text, rng), "p")) {
        REQUIRE_FALSE(pair.src.empty());
        REQUIRE(text::find_ill_formed_utf8(pair.src + pair.tgt) == std::string::npos);
      }
      ++read;
    } catch (const LoadError&) {
    }
  }
  CHECK(read > 100);
  CHECK(read < 2900);
}
