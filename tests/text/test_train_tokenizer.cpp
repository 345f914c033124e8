#include <support/catch.hpp>

#include <gloss/text/tokenizer_json.hpp>
#include <gloss/text/train_tokenizer.hpp>
#include <support/tokenizer_golden.hpp>

using namespace gloss;
using nlohmann::json;
using Strings = std::vector<std::string>;

TEST_CASE("train_byte_level_bpe: the vocabulary and merges are those that tokenizers learns") {
  const json golden = json::parse(read_file(gloss_test::tokenizer_path("trained.json")));
  const auto texts = golden["texts"].get<Strings>();
  const std::string file =
      text::train_byte_level_bpe(texts, {.vocab_size = 420, .min_frequency = 2, .special_tokens = {"<|end|>"}});
  const json model = json::parse(file)["model"];
  CHECK(model["vocab"] == golden["vocab"]);
  CHECK(model["merges"] == golden["merges"]);
  const text::Pipeline tokenizer = text::parse_tokenizer(file);
  CHECK(tokenizer.token_to_id("<|end|>") == 0);
  for (const std::string& text : texts) CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  CHECK(tokenizer.decode(tokenizer.encode("x<|end|>y"), false) == "x<|end|>y");
  CHECK_THROWS_WITH(text::train_byte_level_bpe({}, {.vocab_size = 256, .special_tokens = {"x"}}),
                    "train_byte_level_bpe: vocab_size is 256, expected at least 257");
  CHECK(text::parse_tokenizer(text::train_byte_level_bpe({})).size() == 256);
}

TEST_CASE("train_bert_wordpiece: frequent words become tokens, what was seen is known") {
  const Strings texts = {"the unwanted running, the wanted runner", "The RUNNING caf\u00E9", "\u4E2D\u6587 the"};
  const std::string file = text::train_bert_wordpiece(texts, {.vocab_size = 60});
  CHECK(file == text::train_bert_wordpiece(texts, {.vocab_size = 60}));
  const text::Pipeline tokenizer = text::parse_tokenizer(file);
  CHECK(tokenizer.size() <= 60);
  CHECK(tokenizer.token_to_id("the") >= 0);
  CHECK(tokenizer.token_to_id("[MASK]") == 4);
  for (const std::string& text : texts)
    for (const std::string& token : tokenizer(text).tokens) CHECK(token != "[UNK]");
  CHECK(tokenizer("caf\u00E9").tokens.front() == "[CLS]");
  CHECK(tokenizer.decode(tokenizer("The unwanted caf\u00E9, running").ids) == "the unwanted cafe, running");
  const text::Pipeline few =
      text::parse_tokenizer(text::train_bert_wordpiece(texts, {.vocab_size = 60, .limit_alphabet = 4}));
  CHECK(few.size() < tokenizer.size());
}
