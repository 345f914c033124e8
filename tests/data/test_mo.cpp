#include <support/catch.hpp>

#include <gloss/data/pairs/mo.hpp>
#include <gloss/data/pairs/parallel_text.hpp>
#include <support/mutate.hpp>
#include <support/temp_folder.hpp>

using namespace gloss;
using data::parse_mo;
using namespace std::string_literals;
using Pairs = std::vector<data::SentencePair>;

namespace {

/// A compiled catalogue, laid out as GNU msgfmt does it.
std::string compiled(const Pairs& messages, bool big_endian) {
  const auto n = static_cast<std::uint32_t>(messages.size());
  std::string bytes, strings;
  const auto put = [&](std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(value >> 8 * (big_endian ? 3 - i : i) & 0xFF);
  };
  for (const std::uint32_t value : {0x950412DEu, 0u, n, 28u, 28 + 8 * n, 0u, 28 + 16 * n}) put(value);
  for (const bool translation : {false, true}) {
    for (const auto& message : messages) {
      const std::string& text = translation ? message.tgt : message.src;
      put(static_cast<std::uint32_t>(text.size()));
      put(28 + 16 * n + static_cast<std::uint32_t>(strings.size()));
      strings += text + '\0';
    }
  }
  return bytes + strings;
}

const Pairs messages{{"", "Content-Type: text/plain; charset=UTF-8\n"},
                     {"Open", "Öffnen"},
                     {"menu\4Close", "Schließen"},
                     {"%d file\0%d files"s, "%d Datei\0%d Dateien"s},
                     {"Empty", ""}};
const Pairs expected{{"Open", "Öffnen"}, {"Close", "Schließen"}, {"%d file", "%d Datei"}};

}  // namespace

TEST_CASE("read_mo: both byte orders, contexts, plurals") {
  CHECK(parse_mo(compiled(messages, false), "x.mo") == expected);
  CHECK(parse_mo(compiled(messages, true), "x.mo") == expected);
}

TEST_CASE("read_mo: a corrupt file is named with its cause") {
  const std::string good = compiled(messages, false);
  const auto check = [](const std::string& bytes, const char* message) {
    CHECK_THROWS_WITH(parse_mo(bytes, "x.mo"), message);
    CHECK_THROWS_AS(parse_mo(bytes, "x.mo"), LoadError);
  };
  const auto changed = [&](std::size_t at, unsigned char value) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(value);
    return bytes;
  };
  check("", "read_mo: x.mo: not a compiled message catalogue: it is empty");
  check("msgid \"a\"\nmsgstr \"b\"\n", "read_mo: x.mo: not a compiled message catalogue: it looks like text");
  check(good.substr(0, 27), "read_mo: x.mo: truncated: 27 bytes, the header alone has 28");
  check(good.substr(0, 60), "read_mo: x.mo: truncated: a table of 5 messages does not fit in 60 bytes");
  check(changed(0, 0), "read_mo: x.mo: not a compiled message catalogue: the first four bytes are wrong");
  check(changed(6, 9), "read_mo: x.mo: unknown format revision 9");
  check(changed(11, 0xFF), "read_mo: x.mo: truncated: a table of 4278190085 messages does not fit in 229 bytes");
  check(changed(15, 0xFF), "read_mo: x.mo: truncated: a table of 5 messages does not fit in 229 bytes");
  check(changed(36, 200), "read_mo: x.mo: message 2 of 5 lies outside the file");
  check(changed(43, 0xFF), "read_mo: x.mo: message 2 of 5 lies outside the file");
  check(changed(36, 3), "read_mo: x.mo: message 2 of 5 does not end in a zero byte");
  check(changed(109, 0xE4), "read_mo: x.mo: message 2 of 5 is not UTF-8");
  check(good.substr(0, good.size() - 1), "read_mo: x.mo: message 5 of 5 lies outside the file");
  check(compiled({}, false), "read_mo: x.mo: no translated messages in the file");
  check(compiled({{"", "charset=KOI8-R\n"}, {"a", "b"}}, true), "read_mo: x.mo: the charset is koi8-r, expected UTF-8");
}

TEST_CASE("read_mo: a damaged file is read or refused") {
  Rng rng(3);
  const std::string good = compiled(messages, true);
  int read = 0;
  for (int i = 0; i < 5000; ++i) {
    try {
      read += !parse_mo(mutate(good, rng), "x.mo").empty();
    } catch (const LoadError&) {
    }
  }
  CHECK(read > 100);
  CHECK(read < 4900);
}

TEST_CASE("read_pairs: the extension tells the format") {
  const TempFolder folder;
  const std::string po = "msgid \"a\"\nmsgstr \"b\"\n";
  CHECK(data::read_pairs(folder.write("x.mo", compiled(messages, true))) == expected);
  CHECK(data::read_pairs(folder.write("x.GMO", compiled(messages, false))) == expected);
  CHECK(data::read_pairs(folder.write("x.po", po)) == Pairs{{"a", "b"}});
  CHECK(data::read_pairs(folder.write("x.tsv", "a\tb\n")) == Pairs{{"a", "b"}});
  CHECK(data::read_pairs(folder.write("po", "a\tb\n")) == Pairs{{"a", "b"}});
  const std::string wrong = folder.write("x.txt", po);
  CHECK_THROWS_WITH(data::read_pairs(wrong),
                    "read_tsv: " + wrong + ":1: expected 2 fields separated by a tab, found 1");
}
