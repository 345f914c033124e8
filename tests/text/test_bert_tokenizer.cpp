#include <support/catch.hpp>

#include <gloss/text/bert_tokenizer.hpp>
#include <gloss/text/pipeline/wordpiece.hpp>
#include <support/temp_folder.hpp>

using namespace gloss;
using Strings = std::vector<std::string>;

TEST_CASE("bert_tokenizer: words in small letters without accents, the longest tokens first") {
  const text::Pipeline bert = text::bert_tokenizer(
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##want", "##ed", "want", ",", "##unning", "run", "!", "\u4E2D"});
  const std::string text = "UNWANT\u00C9d,running!\u4E2D\u6587";
  const text::Encoding e = bert(text);
  CHECK(e.tokens == Strings{"[CLS]", "un", "##want", "##ed", ",", "[UNK]", "!", "\u4E2D", "[UNK]", "[SEP]"});
  CHECK(e.offsets[3] == std::pair<Index, Index>{6, 9});
  CHECK(e.offsets[8] == std::pair<Index, Index>{21, 24});
  CHECK(e.word_ids == std::vector<Index>{-1, 0, 0, 0, 1, 2, 3, 4, 5, -1});
  CHECK(bert("want", "run").type_ids == std::vector<Index>{0, 0, 0, 1, 1});
  CHECK(bert.decode(bert("unwanted, want!").ids) == "unwanted, want!");
  CHECK(bert(std::string(101, 'a')).tokens == Strings{"[CLS]", "[UNK]", "[SEP]"});
  CHECK(bert("").tokens == Strings{"[CLS]", "[SEP]"});
}

TEST_CASE("bert_tokenizer: cased models keep capitals and accents") {
  const Strings vocabulary = {"[UNK]", "[CLS]", "[SEP]", "Stra\u00DFe", "\u00C9t\u00E9"};
  const text::Pipeline cased = text::bert_tokenizer(vocabulary, {.lowercase = false});
  CHECK(cased("\u00C9t\u00E9 Stra\u00DFe").ids == std::vector<Index>{1, 4, 3, 2});
  CHECK(text::bert_tokenizer(vocabulary)("\u00C9t\u00E9").ids == std::vector<Index>{1, 0, 2});
}

TEST_CASE("bert_tokenizer: from a file, with either line end") {
  const TempFolder folder;
  const std::string path = folder.write("vocab.txt", "[UNK]\r\n[CLS]\n[SEP]\nword");
  CHECK(text::load_bert_tokenizer(path)("word").ids == std::vector<Index>{1, 3, 2});
  CHECK_THROWS_WITH(text::bert_tokenizer({"a"}), "WordPiece: the unknown token '[UNK]' is not in the vocabulary");
  CHECK_THROWS_WITH(text::bert_tokenizer({"[UNK]", "[SEP]"}), "bert_tokenizer: [CLS] is not in the vocabulary");
}
