#include <support/catch.hpp>

#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/base64.hpp>
#include <gloss/text/pipeline/merges.hpp>
#include <gloss/text/pipeline/unigram.hpp>

using namespace gloss;
using text::Span;
using Strings = std::vector<std::string>;

TEST_CASE("Trie: finds strings, the longest and all that a text begins with") {
  text::Trie trie;
  const Strings strings = {"a", "ab", "abcd", "b", "\xFF"};
  for (std::size_t i = 0; i < strings.size(); ++i) trie.insert(strings[i], static_cast<Index>(i));
  CHECK(trie.find("abcd") == 2);
  CHECK(trie.find("abc") == -1);
  CHECK(trie.find("") == -1);
  CHECK(trie.longest("abcx") == std::pair<Index, std::size_t>{1, 2});
  CHECK(trie.longest("x") == std::pair<Index, std::size_t>{-1, 0});
  CHECK(trie.longest("bcd", trie.walk("a")).second == 3);
  std::vector<Index> found;
  trie.for_each_prefix("abcde", [&](Index id, std::size_t) { found.push_back(id); });
  CHECK(found == std::vector<Index>{0, 1, 2});
  trie.insert("ab", 9);
  CHECK(trie.find("ab") == 9);
}

TEST_CASE("repair_utf8: one U+FFFD for each beginning of a character, or for a byte that begins none") {
  const std::string r = "\uFFFD";
  CHECK(text::repair_utf8("a\u00E9\u20AC") == "a\u00E9\u20AC");
  CHECK(text::repair_utf8("\xFF\x80x") == r + r + "x");
  CHECK(text::repair_utf8("\xE2\x82x") == r + "x");
  CHECK(text::repair_utf8("\xE2\x82\xE2\x82\xAC") == r + "\u20AC");
  CHECK(text::repair_utf8("\xF0\x9F\x98") == r);
  CHECK(text::repair_utf8("\xED\xA0\x80") == r + r + r);  // a surrogate
  CHECK(text::repair_utf8("\xC0\xAF") == r + r);          // overlong
  CHECK(text::repair_utf8("\xF4\x90\x80\x80") == r + r + r + r);
}

TEST_CASE("base64: with and without padding") {
  CHECK(text::detail::decode_base64("SGVsbG8=") == "Hello");
  CHECK(text::detail::decode_base64("SGVsbG8") == "Hello");
  CHECK(text::detail::decode_base64("") == "");
  CHECK_FALSE(text::detail::decode_base64("S"));
  CHECK_FALSE(text::detail::decode_base64("SG?s"));
}

TEST_CASE("Merges: few symbols and many are merged alike") {
  Strings tokens = {"a", "b", "ab", "ba", "aba", "abab"};
  text::Merges model(tokens);
  for (const auto& [result, rank] : {std::pair<Index, std::uint32_t>{2, 0}, {3, 1}, {4, 2}, {5, 1}})
    model.add_merges_to(result, rank);
  const auto ids = [&](std::string_view piece) {
    std::vector<text::PieceToken> found;
    model.encode(piece, found);
    std::uint32_t at = 0;
    std::vector<Index> all;
    for (const text::PieceToken& t : found) {
      CHECK(t.begin == at);
      at = t.end;
      all.push_back(t.id);
    }
    CHECK(at == piece.size());
    return all;
  };
  CHECK(ids("ababa") == std::vector<Index>{5, 0});
  std::string piece;
  for (int i = 0; i < 500; ++i) piece += (i * i / 7) % 3 == 0 ? 'b' : 'a';
  // The end of a long piece as a piece of its own, from where a token begins in both.
  const std::vector<Index> whole = ids(piece), part = ids(piece.substr(piece.size() - 40));
  CHECK(std::equal(part.end() - 10, part.end(), whole.end() - 10));
}

TEST_CASE("Merges: unknown characters are left out, one token each, or one for all") {
  const auto ids = [](text::MergesOptions options, std::string_view piece) {
    const text::Merges model({"<unk>", "a", "<0xC3>", "<0xA9>"}, options);
    std::vector<text::PieceToken> found;
    model.encode(piece, found);
    std::vector<Index> all;
    for (const text::PieceToken& t : found) all.push_back(t.id);
    return all;
  };
  CHECK(ids({}, "axxa") == std::vector<Index>{1, 1});
  CHECK(ids({.unk_token = "<unk>"}, "axxa") == std::vector<Index>{1, 0, 0, 1});
  CHECK(ids({.unk_token = "<unk>", .fuse_unk = true}, "axxa") == std::vector<Index>{1, 0, 1});
  CHECK(ids({.unk_token = "<unk>", .byte_fallback = true}, "a\u00E9x") == std::vector<Index>{1, 2, 3, 0});
  CHECK_THROWS_WITH(text::Merges({"a"}, {.unk_token = "u"}), "BPE: the unknown token 'u' is not in the vocabulary");
}

TEST_CASE("Unigram: the most probable way, unknown characters together") {
  const text::Unigram model({"<unk>", "a", "b", "ab", "aab"}, {0, -1, -1, -1.5, -9}, {.unk_id = 0});
  std::vector<text::PieceToken> found;
  model.encode("aabxyb", found);
  std::vector<Index> ids;
  for (const text::PieceToken& t : found) ids.push_back(t.id);
  CHECK(ids == std::vector<Index>{1, 3, 0, 2});
  CHECK(found[2].as_written);
  CHECK((found[2].begin == 3 && found[2].end == 5));
  CHECK_THROWS_WITH(text::Unigram({"a"}, {}), "Unigram: 0 scores for 1 tokens");
  const text::Unigram none({"a"}, {-1});
  CHECK_THROWS_WITH(none.encode("b", found), "Unigram: 'b' is unknown, and there is no unknown token");
  CHECK_THROWS_WITH(none.token(1), "Model::token: id 1 is out of range [0, 1)");
}
