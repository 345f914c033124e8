#include <support/catch.hpp>

#include <gloss/core/rng.hpp>
#include <gloss/text/sentencepiece.hpp>
#include <support/mutate.hpp>
#include <support/tokenizer_golden.hpp>

using namespace gloss;
using gloss_test::tokenizer_path;
using text::load_sentencepiece;
using text::parse_sentencepiece;

TEST_CASE("sentencepiece: ids and texts of Unigram and BPE models are sentencepiece's") {
  gloss_test::check_cases(load_sentencepiece(tokenizer_path("unigram.model")), "unigram");
  gloss_test::check_cases(load_sentencepiece(tokenizer_path("spm_bpe.model")), "spm_bpe");
}

TEST_CASE("sentencepiece: <s> and </s> on request, and never found in a text") {
  const std::string path = tokenizer_path("spm_bpe.model");
  const text::Pipeline plain = load_sentencepiece(path),
                       framed = load_sentencepiece(path, {.add_bos = true, .add_eos = true});
  const std::vector<Index> ids = plain.encode("the world");
  CHECK(plain("the world").ids == ids);
  std::vector<Index> expected = ids;
  expected.insert(expected.begin(), framed.token_to_id("<s>"));
  expected.push_back(framed.token_to_id("</s>"));
  CHECK(framed("the world").ids == expected);
  CHECK(framed.decode(expected) == "the world");
  for (const Index id : plain.encode("a <s> b </s>")) CHECK(id > 2);
}

TEST_CASE("sentencepiece: offsets say where a token comes from") {
  const text::Pipeline model = load_sentencepiece(tokenizer_path("unigram.model"));
  const std::string text = "  the   \uFB01 world ";
  const text::Encoding e = model(text);
  std::string joined;
  for (const auto& [begin, end] : e.offsets) {
    CHECK((0 <= begin && begin <= end && end <= static_cast<Index>(text.size())));
    joined += text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  }
  CHECK(joined.find("world") != std::string::npos);
}

TEST_CASE("sentencepiece: a damaged file is named with its cause") {
  CHECK_THROWS_WITH(parse_sentencepiece("", "m"), "load_sentencepiece: m: not a SentencePiece model; it is empty");
  CHECK_THROWS_WITH(parse_sentencepiece("{\"version\": 1}", "m"),
                    "load_sentencepiece: m: not a SentencePiece model; it looks like JSON");
  CHECK_THROWS_WITH(parse_sentencepiece("\n\x05", "m"), "load_sentencepiece: m: the file ends within a field");
  CHECK_THROWS_WITH(parse_sentencepiece("\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "m"),
                    "load_sentencepiece: m: a number of more than ten bytes");
  CHECK_THROWS_WITH(parse_sentencepiece(std::string("\n\3\n\1a\3"), "m"),
                    "load_sentencepiece: m: a field of a type that is none");
  CHECK_THROWS_WITH(parse_sentencepiece(std::string("\n\3\n\1a\0\0", 7), "m"),
                    "load_sentencepiece: m: a field without a number");
  CHECK_THROWS_WITH(parse_sentencepiece(std::string("\n\0", 2), "m"), "load_sentencepiece: m: piece 0 is empty");
  CHECK_THROWS_WITH(parse_sentencepiece("\n\3\n\1a", "m"), "load_sentencepiece: m: there is no unknown piece");
  CHECK_THROWS_WITH(parse_sentencepiece(std::string("\n\x08\n\1a\x15\0\0\x80\x7F", 10), "m"),
                    "load_sentencepiece: m: the score of piece 0 is not finite");
  CHECK_THROWS_WITH(parse_sentencepiece("\n\5\n\1a\x18\2\x12\2\x18\3", "m"),
                    "load_sentencepiece: m: the model is of kind 3, expected 1 (Unigram) or 2 (BPE)");
  Rng rng(6);
  for (const char* name : {"unigram.model", "spm_bpe.model"}) {
    const std::string bytes = read_file(tokenizer_path(name));
    for (int i = 0; i < 500; ++i) {
      try {
        const text::Pipeline model = parse_sentencepiece(mutate(bytes, rng));
        static_cast<void>(model.decode(model("the world, e\u0301 \xFF \u0BB5").ids));
      } catch (const Error&) {
      }
    }
  }
}
