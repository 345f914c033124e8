// OPUS-MT's tokenizers against transformers' (tests/golden/generate_marian_tokenizer.py).
#include <support/catch.hpp>

#include <gloss/text/marian_tokenizer.hpp>
#include <support/temp_folder.hpp>
#include <support/tokenizer_golden.hpp>

using namespace gloss;
using Ids = std::vector<Index>;

TEST_CASE("marian_tokenizer: ids and texts are transformers'") {
  const std::string folder = gloss_test::tokenizer_path("marian");
  const text::MarianTokenizer tokenizer = text::load_marian_tokenizer(folder);
  const auto cases = nlohmann::json::parse(read_file(folder + "/cases.json"));
  REQUIRE(cases.size() > 60);
  for (const auto& c : cases) {
    INFO(c.dump());
    const Ids ids = tokenizer.encode(c["text"].get<std::string>());
    CHECK(ids == c["ids"].get<Ids>());
    CHECK(tokenizer.decode(ids) == c["decoded"].get<std::string>());
  }
  CHECK(tokenizer.end_id() == 0);
  CHECK_THROWS_WITH(tokenizer.decode(Ids{tokenizer.size()}), "MarianTokenizer: id " + std::to_string(tokenizer.size()) +
                                                                 " is out of range [0, " +
                                                                 std::to_string(tokenizer.size()) + ")");
}

TEST_CASE("marian_tokenizer: a target with words of its own, and what is damaged is said") {
  const TempFolder temp;
  const std::string folder = temp.path.string();
  temp.write("source.spm", read_file(gloss_test::tokenizer_path("unigram.model")));
  temp.write("vocab.json", R"({"</s>": 0, "<unk>": 1, "\u2581the": 2})");
  CHECK(text::load_marian_tokenizer(folder).encode("the the") == Ids{2, 2});
  CHECK(text::load_marian_tokenizer(folder).size() == 3);
  temp.write("target_vocab.json", R"({"</s>": 0, "<pad>": 4, "\u2581die": 2, "s": 3})");
  const text::MarianTokenizer tokenizer = text::load_marian_tokenizer(folder);
  CHECK(tokenizer.size() == 5);
  CHECK(tokenizer.decode(Ids{2, 3, 2, 4, 0}) == "dies die");
  const auto says = [&](const std::string& vocabulary, const std::string& what) {
    temp.write("vocab.json", vocabulary);
    CHECK_THROWS_WITH(text::load_marian_tokenizer(folder), what);
  };
  const std::string path = "load_marian_tokenizer: " + folder + "/vocab.json: ";
  says("[]", path + "it is not a JSON object");
  says("{", path + "it is not a JSON object");
  says(R"({"</s>": -1})", path + "the id of '</s>' is -1");
  says(R"({"</s>": 99999999999})", path + "the id of '</s>' is 99999999999");
  says(R"({"</s>": 0})", "MarianTokenizer: '<unk>' is not in the vocabulary");
  says(R"({"<unk>": 0})", "MarianTokenizer: '</s>' is not in the vocabulary");
}
