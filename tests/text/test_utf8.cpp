#include <support/catch.hpp>

#include <vector>

#include <gloss/text/utf8.hpp>

using namespace gloss::text;

TEST_CASE("utf8: every character decodes to what was encoded") {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    const CodePoint decoded = decode_utf8(text, 0);
    if (decoded.value != c || decoded.bytes != text.size()) FAIL("U+" << static_cast<unsigned>(c));
  }
}

TEST_CASE("utf8: ill-formed bytes decode one by one") {
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3(", "\xE2\x82("}) {
    const CodePoint c = decode_utf8(bad, 0);
    CHECK(c.value == invalid_byte + static_cast<unsigned char>(bad[0]));
    CHECK(c.bytes == 1);
    CHECK(find_ill_formed_utf8(std::string("ok\xC3\xA4") + bad) == 4);
  }
  CHECK(find_ill_formed_utf8("gr\xC3\xBC\xC3\x9F dich \xF0\x9F\x98\x80") == std::string_view::npos);
}

TEST_CASE("utf8: ill-formed bytes can be replaced, one by one") {
  CHECK(well_formed_utf8("") == "");
  CHECK(well_formed_utf8("gr\xC3\xBC\xC3\x9F\n") == "gr\xC3\xBC\xC3\x9F\n");
  CHECK(well_formed_utf8("a\xFF\xE2\x82z") == "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST_CASE("utf8: words are what Python's split gives") {
  std::vector<std::string_view> words;
  for_each_word(
      " a\t\tb\xC2\xA0"
      "c\xE3\x80\x80"
      "d\x1F"
      "e\x85 ",
      [&](std::string_view w) { words.push_back(w); });
  CHECK(words == std::vector<std::string_view>{"a", "b", "c", "d", "e\x85"});
  words.clear();
  for_each_word(" \n ", [&](std::string_view w) { words.push_back(w); });
  CHECK(words.empty());
}
