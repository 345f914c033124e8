#include <support/catch.hpp>

#include <gloss/text/bpe.hpp>
#include <gloss/text/bpe_train.hpp>
#include <gloss/text/pieces.hpp>
#include <support/mutate.hpp>

using namespace gloss;
using text::Bpe;

namespace {

std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> result;
  text::for_each_piece(text, [&](std::string_view piece) { result.emplace_back(piece); });
  return result;
}

std::vector<std::string> tokens(const Bpe& bpe, const std::string& text) {
  std::vector<std::string> result;
  for (const Index id : bpe.encode(text)) result.push_back(bpe.token(id));
  return result;
}

const std::vector<std::string> corpus{"the lowest of the low", "lower and lower",     "the newest, the widest",
                                      "newer than the new",    "wider than wide",     "Größe und größer",
                                      "Öl, Größe: 12 größere", "don't, won't, can't", "the the the lower lower",
                                      "12 of 120 (new)"};

std::string random_bytes(Rng& rng) {
  static const char* const bits[] = {" ",  "  ",    "\t",   "\n",       "the",          "low",
                                     "er", "Größe", "\xC3", "\xFF",     "\xE2\x80\xA6", "12",
                                     "'",  "t",     "!?",   "\xC2\xA0", "日本語",       "\xF0\x9F\x98\x80",
                                     "\0", "\xBC"};
  std::string text;
  for (std::uint32_t n = rng.below(12); n > 0; --n) {
    const std::uint32_t pick = rng.below(24);
    if (pick < 20)
      text += bits[pick];
    else
      text += static_cast<char>(rng.below(256));
  }
  return text;
}

}  // namespace

TEST_CASE("for_each_piece: words keep the space before them, punctuation and numbers part from them") {
  using V = std::vector<std::string>;
  CHECK(pieces("Open file.") == V{"Open", " file", "."});
  CHECK(pieces("  two  spaces ") == V{" ", " two", " ", " spaces", " "});
  CHECK(pieces("a\n b\t\tc") == V{"a", "\n", " b", "\t\t", "c"});
  CHECK(pieces("$(ARG1) \"x\"...") == V{"$(", "ARG", "1", ")", " \"", "x", "\"..."});
  CHECK(pieces("don't I’ve 'tis 5's") == V{"don", "'t", " I", "’ve", " '", "tis", " 5", "'", "s"});
  CHECK(pieces("Größe – „öffnen“…") == V{"Größe", " –", " „", "öffnen", "“…"});
  CHECK(pieces("a\xC2\xA0 b") == V{"a", "\xC2\xA0", " b"});
  CHECK(pieces("日本、語") == V{"日本", "、", "語"});
  CHECK(pieces("x\xFFy") == V{"x", "\xFF", "y"});
  CHECK(pieces("") == V{});
}

TEST_CASE("Bpe: merges the most frequent pair first, among equals the smaller ids") {
  // Pairs: "ab" 3, " a" 3, "bc" 1, ...; ' ' is below 'a', so " a" goes first, then " ab".
  const Bpe bpe = Bpe::train(std::vector<std::string>{"ab", "ab", "abc"}, {.vocab_size = 261});
  CHECK(bpe.token(259) == " a");
  CHECK(bpe.token(260) == " ab");
  CHECK(bpe.size() == 261);
  CHECK(tokens(bpe, "abc ab") == std::vector<std::string>{" ab", "c", " ab"});
}

TEST_CASE("Bpe: what was seen often becomes one token") {
  const Bpe bpe = Bpe::train(corpus, {.vocab_size = 400});
  CHECK(tokens(bpe, "the lower") == std::vector<std::string>{" the", " lower"});
  CHECK(tokens(bpe, "Größe, the") == std::vector<std::string>{" Größe", ",", " the"});
  CHECK(bpe.size() < 400);  // pairs seen once are not merged
  CHECK(tokens(Bpe::train(corpus, {.vocab_size = 400, .prefix_space = false}), "the the") ==
        std::vector<std::string>{"the", " the"});
}

TEST_CASE("Bpe: decode gives back every byte string") {
  Rng rng(5);
  for (const bool prefix_space : {true, false}) {
    const Bpe trained = Bpe::train(corpus, {.vocab_size = 400, .prefix_space = prefix_space});
    for (const Bpe& bpe : {Bpe(prefix_space), trained}) {
      for (const std::string& text : {std::string(), std::string(" "), std::string("  "), std::string(1, '\0')})
        CHECK(bpe.decode(bpe.encode(text)) == text);
      for (int i = 0; i < 2000; ++i) {
        const std::string text = random_bytes(rng);
        const std::vector<Index> ids = bpe.encode(text);
        if (bpe.decode(ids) != text) FAIL(text);
        for (const Index id : ids)
          if (id < Bpe::n_specials || id >= bpe.size()) FAIL(id);
      }
    }
  }
}

TEST_CASE("Bpe: encoding replays the merges in the order learnt") {
  const Bpe bpe = Bpe::train(corpus, {.vocab_size = 330});
  std::vector<std::pair<std::string, std::string>> halves;
  const std::string text_form = bpe.to_string();
  std::string_view lines = text_form;
  for (int skip = 0; skip < 3; ++skip) text::detail::take_line(lines);
  while (!lines.empty()) {
    const std::string line(text::detail::take_line(lines));
    halves.emplace_back(bpe.token(std::stol(line)), bpe.token(std::stol(line.substr(line.find(' ')))));
  }
  CHECK(halves.size() == static_cast<std::size_t>(bpe.size() - 259));
  Rng rng(6);
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_bytes(rng);
    std::vector<std::string> expected;  // the definition, without any index
    text::for_each_piece(" " + text, [&](std::string_view piece) {
      std::vector<std::string> parts;
      for (const char c : piece) parts.emplace_back(1, c);
      for (Index id = 259; id < bpe.size(); ++id)
        for (std::size_t k = 0; k + 1 < parts.size(); ++k)
          if (parts[k] == halves[static_cast<std::size_t>(id - 259)].first &&
              parts[k + 1] == halves[static_cast<std::size_t>(id - 259)].second) {
            parts[k] += parts[k + 1];
            parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(k) + 1);
          }
      expected.insert(expected.end(), parts.begin(), parts.end());
    });
    if (text.empty()) expected.clear();
    CHECK(tokens(bpe, text) == expected);
  }
}

TEST_CASE("Bpe: a token is whole characters or a part of one") {
  const Bpe bpe = Bpe::train(std::vector<std::string>{"üa üa üa üa äb äb äb äb", "日本 日本", "\xBCx \xBCx \xBCx"},
                             {.vocab_size = 600});
  for (Index id = 259; id < bpe.size(); ++id) {
    const std::string& token = bpe.token(id);
    const bool whole = text::find_ill_formed_utf8(token) == std::string::npos;
    const bool part = token.size() < 4 && static_cast<unsigned char>(token[0]) >= 0xC2 &&
                      text::find_ill_formed_utf8(token.substr(1)) == 0;
    CHECK((whole || part));
  }
}

TEST_CASE("Bpe: a long run of one letter takes no quadratic time") {
  const Bpe bpe = Bpe::train(std::vector<std::string>{std::string(64, 'a'), std::string(64, 'a')}, {.vocab_size = 280});
  const std::string text(3'000'000, 'a');
  CHECK(bpe.decode(bpe.encode(text)) == text);
}

TEST_CASE("Bpe: specials are skipped, ids out of range are errors") {
  const Bpe bpe = Bpe::train(corpus, {.vocab_size = 280});
  std::vector<Index> ids = bpe.encode("the low");
  ids.insert(ids.begin(), Bpe::start_id);
  ids.insert(ids.end(), {Bpe::end_id, Bpe::pad_id, Bpe::pad_id});
  CHECK(bpe.decode(ids) == "the low");
  CHECK(bpe.token(Bpe::pad_id) == "<blank>");
  CHECK(bpe.token(Bpe::start_id) == "<s>");
  CHECK(bpe.token(Bpe::end_id) == "</s>");
  CHECK_THROWS_WITH(bpe.decode(std::vector<Index>{280}), "Bpe::decode: id 280 is out of range [0, 280)");
  CHECK_THROWS_AS(bpe.decode(std::vector<Index>{-1}), IndexError);
  CHECK_THROWS_WITH(bpe.token(-1), "Bpe::token: id -1 is out of range [0, 280)");
  CHECK_THROWS_WITH(Bpe::train(corpus, {.vocab_size = 258}),
                    "Bpe::train: vocab_size is 258, expected at least 259 (3 specials and 256 bytes)");
}

TEST_CASE("Bpe: survives its text") {
  for (const Bpe& bpe : {Bpe::train(corpus, {.vocab_size = 320}), Bpe(false)}) {
    const Bpe read = Bpe::from_string(bpe.to_string());
    CHECK(read == bpe);
    CHECK(read.encode(corpus[6]) == bpe.encode(corpus[6]));
  }
}

TEST_CASE("Bpe: a corrupt text is named with its cause") {
  const auto check = [](const char* text, const char* message) {
    CHECK_THROWS_WITH(Bpe::from_string(text, "ckpt"), message);
    CHECK_THROWS_AS(Bpe::from_string(text, "ckpt"), LoadError);
  };
  check("", "Bpe::from_string: ckpt:1: truncated");
  check("hello", "Bpe::from_string: ckpt:1: not a gloss byte-pair encoding");
  check("gloss-bpe 2\n", "Bpe::from_string: ckpt:1: unknown version, this program reads 1");
  check("gloss-bpe 1\nprefix_space 2\n", "Bpe::from_string: ckpt:2: expected a number in [0, 2)");
  check("gloss-bpe 1\nprefix 1\n", "Bpe::from_string: ckpt:2: expected \"prefix_space \"");
  check("gloss-bpe 1\nprefix_space 1\nmerges 2\n3 4\n", "Bpe::from_string: ckpt:5: truncated");
  check("gloss-bpe 1\nprefix_space 1\nmerges 1\n3 259\n", "Bpe::from_string: ckpt:4: expected a number in [0, 259)");
  check("gloss-bpe 1\nprefix_space 1\nmerges 1\n2 5\n", "Bpe::from_string: ckpt:4: a merge of a special token");
  check("gloss-bpe 1\nprefix_space 1\nmerges 2\n3 4\n3 4\n", "Bpe::from_string: ckpt:5: a merge that is there already");
  check("gloss-bpe 1\nprefix_space 1\nmerges 1\n3 4 5\n",
        "Bpe::from_string: ckpt:4: unexpected text at the end of the line");
  check("gloss-bpe 1\nprefix_space 1\nmerges 1\n3 4\n5 6\n",
        "Bpe::from_string: ckpt:5: unexpected text after the last merge");
  std::string doubling = "gloss-bpe 1\nprefix_space 1\nmerges 10\n100 100\n";
  for (int id = 259; id < 268; ++id) doubling += std::to_string(id) + " " + std::to_string(id) + "\n";
  check(doubling.c_str(), "Bpe::from_string: ckpt:12: a token of more than 256 bytes");

  const std::string text = Bpe::train(corpus, {.vocab_size = 320}).to_string();
  Rng rng(7);
  for (int i = 0; i < 3000; ++i) {
    try {
      const Bpe bpe = Bpe::from_string(mutate(text, rng));
      REQUIRE(bpe.decode(bpe.encode(corpus[5])) == corpus[5]);
    } catch (const LoadError&) {
    }
  }
}
