#include <support/catch.hpp>

#include <gloss/core/rng.hpp>
#include <gloss/text/pipeline.hpp>
#include <gloss/text/tokenizer_json.hpp>
#include <support/mutate.hpp>
#include <support/temp_folder.hpp>
#include <support/tokenizer_golden.hpp>

using namespace gloss;
using gloss_test::tokenizer_path;
using nlohmann::json;
using text::load_tokenizer;
using text::parse_tokenizer;
using Ids = std::vector<Index>;

TEST_CASE("tokenizer.json: ids, offsets, masks and texts are those of tokenizers") {
  for (const char* name : {"bert", "padded_bert", "gpt2", "roberta", "llama3", "qwen", "smollm", "llama2", "t5"}) {
    INFO(name);
    gloss_test::check_cases(load_tokenizer(tokenizer_path(std::string(name) + ".json")), name);
  }
}

TEST_CASE("tokenizer.json: each normalizer, pre-tokenizer and decoder is that of tokenizers") {
  json file = json::parse(read_file(tokenizer_path("stages.json")));
  json parts;
  std::optional<text::Pipeline> tokenizer;
  for (const json& expected : gloss_test::tokenizer_cases("stages")) {
    const json own = {{"normalizer", expected["normalizer"]},
                      {"pre_tokenizer", expected["pre_tokenizer"]},
                      {"decoder", expected["decoder"]}};
    if (own != parts) {
      parts = own;
      file.update(own);
      tokenizer = parse_tokenizer(file.dump());
    }
    gloss_test::check_case(*tokenizer, expected);
  }
}

TEST_CASE("tokenizer.json: what a call gives has one length, and encode() is its ids without what is added") {
  const text::Pipeline tokenizer = load_tokenizer(tokenizer_path("bert.json"));
  const text::Encoding e = tokenizer("Hello the world");
  CHECK(e.tokens.front() == "[CLS]");
  CHECK(e.tokens.back() == "[SEP]");
  text::Encoding copy = e;
  copy.for_each_member([&](const auto& member) { CHECK(static_cast<Index>(member.size()) == e.size()); });
  CHECK(tokenizer.encode("Hello the world") == Ids(e.ids.begin() + 1, e.ids.end() - 1));
  CHECK(tokenizer("Hello the world", {.add_special_tokens = false}).ids == tokenizer.encode("Hello the world"));
  CHECK(tokenizer.decode(e.ids) == "hello the world");
  CHECK(tokenizer.decode(e.ids, false) == "[CLS] hello the world [SEP]");
  CHECK(tokenizer.size() == 420);
  CHECK(tokenizer.token_to_id("[MASK]") == 4);
  CHECK(tokenizer.token_to_id("nowhere") == -1);
  CHECK(tokenizer.id_to_token(2) == "[CLS]");
  CHECK(tokenizer.added_tokens().size() == 5);
  CHECK_THROWS_WITH(tokenizer.decode(Ids{420}), "Pipeline: id 420 is out of range [0, 420)");
}

TEST_CASE("tokenizer.json: a batch is padded to its longest, and truncation is each text's") {
  text::Pipeline tokenizer = load_tokenizer(tokenizer_path("bert.json"));
  tokenizer.padding = text::Padding{};
  tokenizer.truncation = text::Truncation{.max_length = 5};
  const std::vector<text::Encoding> batch = tokenizer.batch(std::vector<std::string>{"the of and to in", "the", ""});
  REQUIRE(batch.size() == 3);
  CHECK(batch[0].ids ==
        Ids{2, tokenizer.token_to_id("the"), tokenizer.token_to_id("of"), tokenizer.token_to_id("and"), 3});
  CHECK(batch[1].ids == Ids{2, tokenizer.token_to_id("the"), 3, 0, 0});
  CHECK(batch[1].attention_mask == Ids{1, 1, 1, 0, 0});
  CHECK(batch[2].tokens == std::vector<std::string>{"[CLS]", "[SEP]", "[PAD]", "[PAD]", "[PAD]"});
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(tokenizer.batch(Pairs{{"the", "of"}})[0].type_ids == Ids{0, 0, 0, 1, 1});

  tokenizer.truncation = text::Truncation{.max_length = 1};
  CHECK_THROWS_WITH(tokenizer("the"), "Truncation: max_length is 1, less than the 2 tokens that are added");
  tokenizer.truncation = text::Truncation{.max_length = 4, .strategy = text::Truncation::Strategy::only_second};
  CHECK_THROWS_WITH(tokenizer("the of and"), "Truncation: only_second, but there is no second text");
  CHECK_THROWS_WITH(tokenizer("the of and", "the"), "Truncation: the second text has 1 tokens, 3 would have to go");
  tokenizer.truncation->strategy = text::Truncation::Strategy::only_first;
  CHECK_THROWS_WITH(tokenizer("the", "the of and"), "Truncation: the first text has 1 tokens, 3 would have to go");
}

TEST_CASE("tokenizer.json: bytes that are no UTF-8 pass through a byte-level vocabulary, and are unknown to others") {
  const std::string bytes = "a\xFF\xC3 \xE2\x82 b\x80\x80\x80\x80\x80\xF0\x9F";
  const text::Pipeline gpt2 = load_tokenizer(tokenizer_path("gpt2.json"));
  const text::Encoding e = gpt2(bytes);
  for (const auto& [begin, end] : e.offsets)
    CHECK((0 <= begin && begin < end && end <= static_cast<Index>(bytes.size())));
  CHECK(gpt2.decode(e.ids) == text::repair_utf8(bytes));
  for (const char* name : {"bert", "llama2", "t5", "qwen", "padded_bert", "stages"})
    CHECK_NOTHROW(load_tokenizer(tokenizer_path(std::string(name) + ".json"))(bytes));
}

namespace {

std::string changed(const char* file, const char* pointer, const json& value) {
  json whole = json::parse(read_file(tokenizer_path(file)));
  whole[json::json_pointer(pointer)] = value;
  return whole.dump();
}

}  // namespace

TEST_CASE("tokenizer.json: what is not supported or damaged is named") {
  CHECK_THROWS_WITH(load_tokenizer("nowhere.json"), "read_file: nowhere.json: No such file or directory");
  CHECK_THROWS_WITH(parse_tokenizer("", "t"), "load_tokenizer: t: not JSON at byte 1; it is empty");
  CHECK_THROWS_WITH(parse_tokenizer("<html>", "t"), "load_tokenizer: t: not JSON at byte 1; it looks like HTML or XML");
  CHECK_THROWS_WITH(parse_tokenizer("{\"a\": 1e999}", "t"), "load_tokenizer: t: a number is out of range");
  CHECK_THROWS_WITH(parse_tokenizer("[]", "t"), "load_tokenizer: t: expected an object");
  CHECK_THROWS_WITH(parse_tokenizer("{}", "t"), "load_tokenizer: t: model: expected an object");
  const auto refused = [](const char* file, const char* pointer, const json& value, const std::string& text) {
    INFO(text);
    CHECK_THROWS_WITH(parse_tokenizer(changed(file, pointer, value), "t"), "load_tokenizer: t: " + text);
  };
  refused("bert.json", "/normalizer/type", "Fancy", "normalizer.type: 'Fancy' is not supported");
  refused("bert.json", "/pre_tokenizer/type", "CharDelimiterSplit",
          "pre_tokenizer.type: 'CharDelimiterSplit' is not supported");
  refused("bert.json", "/post_processor/type", "X", "post_processor.type: 'X' is not supported");
  refused("bert.json", "/decoder/type", "CTC", "decoder.type: 'CTC' is not supported");
  refused("bert.json", "/model/type", "WordLevel", "model.type: 'WordLevel' is not supported");
  refused("bert.json", "/normalizer/lowercase", 3, "normalizer.lowercase: expected true or false");
  refused("bert.json", "/model/unk_token", "[no]",
          "model: WordPiece: the unknown token '[no]' is not in the vocabulary");
  refused("bert.json", "/model/vocab/the", "x", "model.vocab: the id of 'the' is no number");
  refused("bert.json", "/model/vocab/the", 420, "model.vocab: the id of 'the' is 420, and there are 420 tokens");
  refused("bert.json", "/model/vocab/the", 0, "model.vocab: two tokens have the id 0");
  refused("bert.json", "/model/max_input_chars_per_word", -1,
          "model.max_input_chars_per_word: is -1, expected 0 to 2147483648");
  refused("bert.json", "/added_tokens/1/content", 5, "added_tokens[1].content: expected a string");
  refused("bert.json", "/post_processor/single/0/SpecialToken/id", "[X]",
          "post_processor.single[0].SpecialToken.id: '[X]' is not among special_tokens");
  refused("bert.json", "/added_tokens", 5, "added_tokens: expected an array");
  refused("bert.json", "/added_tokens/1/id", 7, "added_tokens[1].id: '[UNK]' has the id 7, expected 1");
  refused("bert.json", "/post_processor/single/0", {{"X", 1}},
          "post_processor.single[0]: expected a Sequence or a SpecialToken");
  refused("bert.json", "/post_processor/special_tokens/[CLS]/ids", {1, 2},
          "post_processor.special_tokens.[CLS]: as many ids as tokens are expected");
  refused("padded_bert.json", "/post_processor/cls", {"x"}, "post_processor.cls: expected a token and its id");
  refused("padded_bert.json", "/truncation/max_length", "x", "truncation.max_length: expected a whole number");
  refused("t5.json", "/normalizer/normalizers/1/pattern/Regex", "x+",
          "normalizer.normalizers[1].pattern.Regex: the regular expression 'x+' is not supported here");
  refused("t5.json", "/pre_tokenizer/pretokenizers/1/replacement", "ab",
          "pre_tokenizer.pretokenizers[1].replacement: expected one character");
  refused("padded_bert.json", "/truncation/strategy", "Some", "truncation.strategy: 'Some' is not supported");
  refused("padded_bert.json", "/padding/strategy", "Some", "padding.strategy: 'Some' is not supported");
  refused("padded_bert.json", "/padding/direction", "Up", "padding.direction: 'Up' is not supported");
  refused("llama3.json", "/pre_tokenizer/pretokenizers/0/pattern/Regex", "\\w+",
          "pre_tokenizer.pretokenizers[0].pattern.Regex: the regular expression '\\w+' is not supported");
  refused("llama3.json", "/pre_tokenizer/pretokenizers/0/behavior", "Removed",
          "pre_tokenizer.pretokenizers[0].behavior: 'Removed' is not supported with this expression");
  refused("llama3.json", "/model/merges/0", "x", "model.merges: merge 0 is not two tokens");
  refused("llama3.json", "/model/merges/0", {"x", "nowhere"},
          "model.merges: merge 0: 'nowhere' is not in the vocabulary");
  refused("llama3.json", "/model/dropout", 0.1, "model.dropout: a dropout of merges is not supported");
  refused("t5.json", "/normalizer/normalizers/0/precompiled_charsmap", "?",
          "normalizer.normalizers[0].precompiled_charsmap: not base64");
  refused("t5.json", "/normalizer/normalizers/0/precompiled_charsmap", "AAAA",
          "normalizer.normalizers[0].precompiled_charsmap: the precompiled normalizer is damaged");
  refused("t5.json", "/model/vocab/3", {"x"}, "model.vocab: entry 3 is not a token and a number");
  refused("t5.json", "/model/unk_id", 9999, "model: Unigram: unk_id is 9999, there are 230 tokens");
  refused("bert.json", "/pre_tokenizer", {{"type", "ByteLevel"}},
          "model.type: 'WordPiece' after ByteLevel is not supported");
  refused("gpt2.json", "/pre_tokenizer",
          {{"type", "Sequence"}, {"pretokenizers", {{{"type", "ByteLevel"}}, {{"type", "Digits"}}}}},
          "pre_tokenizer.pretokenizers[1]: a pre-tokenizer after ByteLevel is not supported");
  json deep = {{"type", "Sequence"}, {"normalizers", json::array()}};
  for (int i = 0; i < 20; ++i) deep = {{"type", "Sequence"}, {"normalizers", {deep}}};
  std::string place = "normalizer";
  for (int i = 0; i < 8; ++i) place += ".normalizers[0]";
  refused("bert.json", "/normalizer", deep, place + ": Sequences in Sequences, more than 8");
}

TEST_CASE("tokenizer.json: merges may be strings, and a model without its type is known by its parts") {
  json file = json::parse(read_file(tokenizer_path("gpt2.json")));
  const text::Pipeline pairs = parse_tokenizer(file.dump());
  for (json& merge : file["model"]["merges"]) merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  file["model"].erase("type");
  const text::Pipeline strings = parse_tokenizer(file.dump());
  CHECK(strings.encode("the world of words") == pairs.encode("the world of words"));
}

TEST_CASE("tokenizer.json: a damaged file is refused or read, and nothing else") {
  Rng rng(5);
  for (const char* name : {"bert.json", "llama3.json", "t5.json"}) {
    const std::string text = read_file(tokenizer_path(name));
    for (int i = 0; i < 200; ++i) {
      try {
        const text::Pipeline tokenizer = parse_tokenizer(mutate(text, rng));
        static_cast<void>(tokenizer.decode(tokenizer("the world, e\u0301 \xFF \u0BB5").ids));
      } catch (const Error&) {
      }
    }
  }
}

TEST_CASE("tokenizer.json: GPT-2's two files give what the one gives") {
  const json model = json::parse(read_file(tokenizer_path("gpt2.json")))["model"];
  std::string merges = "#version: 0.2\n";
  for (const json& merge : model["merges"])
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  const TempFolder folder;
  const std::string vocab = folder.write("vocab.json", model["vocab"].dump());
  gloss_test::check_cases(text::load_gpt2_tokenizer(vocab, folder.write("merges.txt", merges)), "gpt2");
  const std::string bad = folder.write("bad.json", "{\"a\": ");
  CHECK_THROWS_WITH(text::load_gpt2_tokenizer(bad, folder.file("merges.txt")),
                    "load_gpt2_tokenizer: " + bad + ": model.vocab: expected an object");
}
