#include <support/catch.hpp>

#include <gloss/data/pairs/po.hpp>
#include <support/mutate.hpp>

using namespace gloss;
using data::parse_po;
using Pairs = std::vector<data::SentencePair>;

namespace {
const char* const catalogue = R"po(# A catalogue.
msgid ""
msgstr ""
"Project-Id-Version: x 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: src/main.c:12
msgid "Open file"
msgstr "Datei öffnen"

#, c-format
msgctxt "menu"
msgid "Close"
msgstr "Schließen"

#, fuzzy, c-format
#| msgid "Old"
msgid "Not sure"
msgstr "Unsicher"

msgid "Not translated"
msgstr ""

msgid ""
"Two\n"
"lines \"here\"\t\\"
msgstr ""
"Zwei\n" "Zeilen \"hier\"\011\x5C"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d Dateien"

#, fuzzy
#~ msgid "Gone"
#~ msgstr "Weg"
msgid "Last"
msgstr "Letzte")po";
}

TEST_CASE("read_po: messages, contexts, plurals and strings over many lines") {
  const Pairs expected{{"Open file", "Datei öffnen"},
                       {"Close", "Schließen"},
                       {"Two\nlines \"here\"\t\\", "Zwei\nZeilen \"hier\"\t\\"},
                       {"%d file", "%d Datei"},
                       {"Last", "Letzte"}};
  CHECK(parse_po(catalogue, "x.po") == expected);
  std::string crlf = "\xEF\xBB\xBF";
  for (const char* c = catalogue; *c; ++c) crlf += *c == '\n' ? std::string("\r\n") : std::string(1, *c);
  CHECK(parse_po(crlf, "x.po") == expected);
}

TEST_CASE("read_po: every escape of C") {
  CHECK(parse_po("msgid \"a\"\nmsgstr \"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\x41\\101\\0611\\?\\'\"", "x") ==
        Pairs{{"a", "\a\b\f\n\r\t\v\\\"AA11?'"}});
}

// Each text and its messages as GNU msgfmt 0.21 and msgunfmt read them, unless said.
TEST_CASE("read_po: blanks, line ends, domains and flags, as msgfmt takes them") {
  const Pairs ab{{"a", "b"}}, cd{{"c", "d"}}, both{{"a", "b"}, {"c", "d"}};
  CHECK(parse_po("msgid \"a\" msgstr \"b\" msgid \"c\" msgstr \"d\"\n", "x") == both);
  CHECK(parse_po("msgid\"a\"msgstr\"b\"\nmsgid\v\"c\"\fmsgstr\t\"d\"", "x") == both);
  CHECK(parse_po("msgid\n\n\"a\"\nmsgstr\n\"\"\n\"b\"\n", "x") == ab);
  CHECK(parse_po("msgid \"a\"\rmsgstr \"b\"\r\rmsgid \"c\"\rmsgstr \"d\"\r", "x") == both);
  CHECK(parse_po("msgid \"a\" \"\"\nmsgstr \"b\"\nmsgctxt \"k\" msgid \"c\" msgstr \"d\"\n", "x") == both);
  CHECK(parse_po("msgid \"a\"\nmsgid_plural \"as\" msgstr[0] \"b\" msgstr[1] \"bs\"\n", "x") == ab);
  // msgfmt takes all of a file with CR line ends for the comment that it begins with
  CHECK(parse_po("# one\rmsgid \"a\"\rmsgstr \"b\"\r", "x") == ab);
  // in a file with other line ends, a CR is a blank, also in a comment, and text in a string
  CHECK(parse_po("# one\rmsgid \"c\"\nmsgid \"a\"\rmsgstr \"b\"\n", "x") == ab);
  CHECK(parse_po("msgid \"a\rb\"\nmsgstr \"b\"\n", "x") == Pairs{{"a\rb", "b"}});
  // msgfmt writes a file for each domain
  CHECK(parse_po("domain \"one\"\nmsgid \"a\"\nmsgstr \"b\"\ndomain \"two\"\nmsgid \"c\"\nmsgstr \"d\"\n", "x") ==
        both);
  const std::string rest = "\nmsgid \"a\"\nmsgstr \"b\"\n\nmsgid \"c\"\nmsgstr \"d\"\n";
  for (const char* kept : {"#, nofuzzy", "#, fuzzy-not, un_fuzzy", "#  , fuzzy", "# fuzzy", "#. fuzzy", "#: fuzzy.c:1"})
    CHECK(parse_po(kept + rest, "x") == both);
  for (const char* left : {"#,fuzzy", "#, fuzzy", "#, c-format,fuzzy", "#, no-c-format\tfuzzy", "#, fuzzy\r"})
    CHECK(parse_po(left + rest, "x") == cd);
  CHECK(parse_po("#~| msgid \"z\"\n#~ msgid \"a\"\n#~ msgstr \"b\"\n\n#| msgid \"y\"\nmsgid \"c\"\nmsgstr \"d\"\n",
                 "x") == cd);
  CHECK(parse_po("msgid \"a\"\nmsgstr \"\\x00041\\x41g\\1011\"\n", "x") == Pairs{{"a", "AAgA1"}});
}

TEST_CASE("read_po: a malformed line is named with its cause") {
  const auto check = [](const char* text, const char* message) {
    CHECK_THROWS_WITH(parse_po(text, "x.po"), message);
    CHECK_THROWS_AS(parse_po(text, "x.po"), LoadError);
  };
  check("msgid \"a\"\nmsgstr \"b\n", "read_po: x.po:2: a string is not closed");
  check("msgid \"a\\", "read_po: x.po:1: a string is not closed");
  check("msgid \"a\\q\"", "read_po: x.po:1: an unknown escape after a backslash");
  check("msgid \"a\\777\"", "read_po: x.po:1: a bad number after a backslash");
  check("msgid \"a\\xg\"", "read_po: x.po:1: a bad number after a backslash");
  check("msgid a", "read_po: x.po:1: expected a string in double quotes after msgid");
  check("msgid", "read_po: x.po:1: expected a string in double quotes after msgid");
  check("msgid \"a\" b",
        "read_po: x.po:1: expected domain, msgctxt, msgid, msgid_plural, msgstr, a string or a comment");
  check("msgid\nmsgstr \"a\"", "read_po: x.po:2: expected a string in double quotes after msgid");
  check("msgid \"a\\x141\"", "read_po: x.po:1: a bad number after a backslash");
  check("msgid \"a\"\ndomain \"b\"", "read_po: x.po:2: msgid without msgstr before this line");
  check("\"a\"", "read_po: x.po:1: a string without a keyword before it");
  check("\n\nmsgstr \"a\"", "read_po: x.po:3: msgstr without msgid");
  check("msgid \"a\"\nmsgid \"b\"", "read_po: x.po:2: msgid without msgstr before this line");
  check("msgid \"a\"\n", "read_po: x.po:2: msgid without msgstr before this line");
  check("msgid \"a\"\nmsgstr \"b\"\nmsgstr \"c\"", "read_po: x.po:3: a second msgstr for one msgid");
  check("msgid \"a\"\nmsgstr[0] \"b\"\nmsgstr[0] \"c\"", "read_po: x.po:3: a second msgstr in one message");
  check("msgid \"a\"\nmsgstr[x] \"b\"", "read_po: x.po:2: expected a number in brackets after msgstr");
  check("msgid \"a\"\nmsgstr[1 \"b\"", "read_po: x.po:2: expected a number in brackets after msgstr");
  check("msgid_plural \"a\"", "read_po: x.po:1: msgid_plural without msgid");
  check("msgctxt \"a\"", "read_po: x.po:2: msgctxt without msgid before this line");
  check("title \"a\"", "read_po: x.po:1: expected domain, msgctxt, msgid, msgid_plural, msgstr, a string or a comment");
  check("msgid \"\xE4\"", "read_po: x.po:1: not UTF-8 at byte 8 of the line");
  check("msgid \"a\"\nmsgstr \"\\xE4\"", "read_po: x.po:2: not UTF-8 at byte 1 of the line");
  check("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=ISO-8859-1\\n\"\n",
        "read_po: x.po: the charset is iso-8859-1, expected UTF-8");
  check("msgid \"a\"\nmsgstr \"\"", "read_po: x.po: no translated messages in the file");
  check("", "read_po: x.po: no translated messages in the file");
}

TEST_CASE("read_po: a damaged file is read or refused") {
  Rng rng(2);
  int read = 0;
  for (int i = 0; i < 5000; ++i) {
    try {
      read += !parse_po(mutate(catalogue, rng), "x.po").empty();
    } catch (const LoadError&) {
    }
  }
  CHECK(read > 100);
  CHECK(read < 4900);
}
