#include <support/catch.hpp>

#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/merges.hpp>

using namespace gloss;
using text::AlignedText;
using text::Span;
using text::WordScanner;
using Strings = std::vector<std::string>;

TEST_CASE("unicode: categories of characters, none of an ill-formed byte") {
  const auto kinds = [](char32_t c) {
    std::string all;
    if (text::is_letter(c)) all += 'L';
    if (text::is_number(c)) all += 'N';
    if (text::is_mark(c)) all += 'M';
    if (text::is_nonspacing_mark(c)) all += 'n';
    if (text::is_punctuation(c)) all += 'P';
    if (text::is_white_space(c)) all += 'S';
    if (text::is_word(c)) all += 'w';
    return all;
  };
  CHECK(kinds('a') == "Lw");
  CHECK(kinds('7') == "Nw");
  CHECK(kinds('_') == "Pw");
  CHECK(kinds('$') == "");
  CHECK(kinds(0x1F) == "");
  CHECK(kinds(' ') == "S");
  CHECK(kinds(0x3000) == "S");
  CHECK(kinds(0x301) == "Mnw");
  CHECK(kinds(0x903) == "Mw");
  CHECK(kinds(0x4E2D) == "Lw");
  CHECK(kinds(0xBD) == "N");     // one half
  CHECK(kinds(0x2163) == "Nw");  // the Roman four
  CHECK(kinds(0x3001) == "P");
  CHECK(kinds(text::invalid_byte + 0xFF) == "");
}

TEST_CASE("unicode: what BERT takes for punctuation, accents and controls is that of Unicode 8.0") {
  CHECK(text::is_bert_punctuation('$'));
  CHECK(text::is_bert_punctuation(0xBF));
  CHECK_FALSE(text::is_bert_punctuation(0x9FD));  // of Unicode 10.0
  CHECK(text::is_bert_punctuation(0x166D));       // a symbol since 12.0
  CHECK(text::is_bert_accent(0x301));
  CHECK_FALSE(text::is_bert_accent(0x1AC1));
  CHECK(text::is_bert_accent(0x1734));
  CHECK(text::is_bert_control(0xAD));
  CHECK(text::is_bert_control(0xE000));
  CHECK_FALSE(text::is_bert_control(0x890));
  CHECK_FALSE(text::is_bert_control('a'));
}

TEST_CASE("unicode: a syllable of Hangul takes a vowel and a last consonant, and nothing else") {
  using text::detail::composed;
  CHECK(composed(0x1102, 0x116D) == 0xB1E8);  // consonant and vowel
  CHECK(composed(0xB1E8, 0x11A8) == 0xB1E9);
  CHECK(composed(0xB1E8, 0x11C2) == 0xB203);
  for (const char32_t other : {0x11A7, 0x11C3, 0x1160, 0x1176, 0x1100}) CHECK(composed(0xB1E8, other) == 0);
  CHECK(composed(0x1102, 0x11A8) == 0);
  CHECK(composed(0xB1E9, 0x11A8) == 0);  // has its last consonant
}

TEST_CASE("AlignedText: knows where rewritten text comes from") {
  AlignedText given("a\u00E9b", 10, true);
  CHECK(given.start() == 10);
  CHECK_FALSE(given.is_ascii());
  CHECK(given.origin({2, 3}) == Span{11, 13});  // half of a character is the whole one
  given.rewrite([](char32_t c, auto&& put) {
    if (c == 0xE9) put('e'), put('e');
    if (c == 'b') put(c);
  });
  CHECK(given.text() == "eeb");
  CHECK(given.origin({0, 1}) == Span{11, 13});
  CHECK(given.origin({1, 3}) == Span{11, 14});
  const AlignedText part = given.part({2, 3});
  CHECK(part.text() == "b");
  CHECK(part.origin(part.all()) == Span{13, 14});
  given.replace({{'x', 2}, {'y', 0}, {'z', 1}});
  CHECK(given.origin({1, 2}) == Span{11, 13});
  CHECK(given.origin({2, 3}) == Span{13, 14});
  Strings seen;
  given.for_each([&](char32_t, Span at) { seen.emplace_back(given.text(at)); });
  CHECK(seen == Strings{"x", "y", "z"});
  CHECK(given.origin_of_character({2, 3}) == Span{13, 14});
  given.rebuild([](auto&& put) { CHECK(put(0x20AC, Span{}) == 3); });
  CHECK(given.text() == "\u20AC");
  std::u32string characters;
  text::for_each_character("a\xFF", [&](char32_t c) { characters += c; });
  CHECK(characters == std::u32string{U'a', text::invalid_byte + 0xFF});
}

TEST_CASE("Pattern: a string, or at least two spaces") {
  CHECK(text::Pattern{.literal = "ab"}.match("xab", 1) == 2);
  CHECK(text::Pattern{.literal = "ab"}.match("xab", 0) == 0);
  CHECK(text::Pattern{.literal = {}}.match("x", 0) == 0);
  CHECK(text::Pattern{.literal = {}, .spaces = true}.match("a   b", 1) == 3);
  CHECK(text::Pattern{.literal = {}, .spaces = true}.match("a b", 1) == 0);
}

TEST_CASE("Pieces: what is kept of each, nothing empty") {
  text::Pieces pieces{AlignedText("one two", 0, false), {{0, 3}, {4, 7}}};
  pieces.cut([](std::string_view piece, auto&& keep) {
    keep(0, 1);
    keep(1, 1);
    keep(1, piece.size());
  });
  CHECK(pieces.spans == std::vector<Span>{{0, 1}, {1, 3}, {4, 5}, {5, 7}});
}

TEST_CASE("WordScanner: cuts as the regular expressions do") {
  const auto cut = [](const char* name, std::string_view text) {
    const WordScanner* const scanner = WordScanner::find(name);
    REQUIRE(scanner != nullptr);
    CHECK(WordScanner::find(scanner->regex) == scanner);
    Strings pieces;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = scanner->piece_end(text, at);
      pieces.emplace_back(text.substr(at, end - at));
      at = end;
    }
    return pieces;
  };
  CHECK(cut("gpt2", "it's IT'S  a\n\n b 1234!? ") ==
        Strings{"it", "'s", " IT", "'", "S", " ", " a", "\n\n", " b", " 1234", "!?", " "});
  CHECK(cut("llama3", "it's IT'S  a\n\n b 1234!?\n ") ==
        Strings{"it", "'s", " IT", "'S", " ", " a", "\n\n", " b", " ", "123", "4", "!?\n", " "});
  CHECK(cut("qwen2", "x12\t\u4E2D.\u0301") == Strings{"x", "1", "2", "\t\u4E2D", ".\u0301"});
  CHECK(cut("cl100k_base", "a \n  ") == Strings{"a", " \n  "});
  CHECK(cut("r50k_base", "a \n  b") == Strings{"a", " \n ", " b"});
  CHECK(WordScanner::find("nothing") == nullptr);
  CHECK(WordScanner::find("\\w+") == nullptr);
}

TEST_CASE("Merges: a piece may be a token as it is, and a pair may be merged to anything") {
  text::Merges model({"a", "b", "ab", "x", "aab"});
  model.add_merge(0, 1, 3, 0);
  std::vector<text::PieceToken> found;
  model.encode("aab", found);
  REQUIRE(found.size() == 2);
  CHECK(found[1].id == 3);
  model.add_whole(4);
  found.clear();
  model.encode("aab", found);
  REQUIRE(found.size() == 1);
  CHECK(found[0].id == 4);
  CHECK(text::Trie().child(text::Trie::root, 'a') == text::Trie::nowhere);
}
