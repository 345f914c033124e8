#include <support/catch.hpp>

#include <gloss/text/lines.hpp>
#include <gloss/text/tokenizer.hpp>
#include <gloss/text/vocab.hpp>
#include <support/mutate.hpp>

using namespace gloss;
using text::split_words;
using text::Vocab;

TEST_CASE("Vocab: specials first, then by frequency, equals in byte order") {
  const Vocab vocab = Vocab::build({split_words("b a c a"), split_words("c b a d")});
  CHECK(vocab.tokens() == std::vector<std::string>{"<s>", "</s>", "<blank>", "<unk>", "a", "b", "c"});
  CHECK(vocab["<blank>"] == 2);
  CHECK(vocab["a"] == 4);
  CHECK(vocab["d"] == vocab["<unk>"]);
  CHECK(vocab.encode({"c", "zebra"}) == std::vector<Index>{6, 3});
  CHECK(vocab.decode({0, 4, 1}) == std::vector<std::string>{"<s>", "a", "</s>"});
  CHECK(Vocab::build({{"<s>", "<s>", "x"}}, {.min_freq = 1}).size() == 5);
}

TEST_CASE("Vocab: errors name the token or the id") {
  CHECK_THROWS_WITH(Vocab({"a", "a"}, ""), "Vocab: token \"a\" twice");
  CHECK_THROWS_WITH(Vocab({"a"}), "Vocab: the unknown token \"<unk>\" is not in the vocabulary");
  const Vocab vocab({"a", "b"}, "");
  CHECK_THROWS_WITH(vocab["c"], "Vocab: token \"c\" is not in the vocabulary");
  CHECK_THROWS_WITH(vocab.token(2), "Vocab::token: id 2 is out of range [0, 2)");
  CHECK_THROWS_AS(vocab.token(-1), IndexError);
}

TEST_CASE("Vocab: survives its text, odd tokens included") {
  for (const Vocab& vocab : {Vocab({"<unk>", "a b", "\\n", "line\nend\r", "", "\xFF"}), Vocab(), Vocab({"x"}, "")})
    CHECK(Vocab::from_string(vocab.to_string()) == vocab);
}

TEST_CASE("Vocab: a corrupt text is named with its cause") {
  CHECK_THROWS_WITH(Vocab::from_string("", "ckpt"), "Vocab::from_string: ckpt:1: truncated");
  CHECK_THROWS_WITH(Vocab::from_string("x\n"), "Vocab::from_string: vocab:1: not a gloss vocabulary of version 1");
  CHECK_THROWS_WITH(Vocab::from_string("gloss-vocab 1\nunknown z\n"),
                    "Vocab::from_string: vocab:2: expected \"unknown\" and a number");
  CHECK_THROWS_WITH(Vocab::from_string("gloss-vocab 1\nunknown -1\na\na\n"),
                    "Vocab::from_string: vocab:4: a token that is there already");
  CHECK_THROWS_WITH(Vocab::from_string("gloss-vocab 1\nunknown -1\na\\x\n"),
                    "Vocab::from_string: vocab:3: an unknown escape after a backslash");
  CHECK_THROWS_WITH(Vocab::from_string("gloss-vocab 1\nunknown 1\na\n"),
                    "Vocab::from_string: vocab: the unknown token is not there");
  const std::string text = Vocab({"<unk>", "a b", "line\nend\r"}).to_string();
  Rng rng(4);
  for (int i = 0; i < 3000; ++i) {
    try {
      Vocab::from_string(mutate(text, rng));
    } catch (const LoadError&) {
    }
  }
}
