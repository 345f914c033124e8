#include <support/catch.hpp>

#include <map>
#include <sstream>

#include <gloss/core/file.hpp>
#include <gloss/train/bleu.hpp>

#include "support/escaped_fields.hpp"

using namespace gloss;
using gloss_test::fields;

namespace {

std::string joined_words(std::string_view text) {
  std::string result;
  text::for_each_word(text, [&](std::string_view word) { result += (result.empty() ? "" : " ") + std::string(word); });
  return result;
}

const std::string golden = GLOSS_TEST_DATA;

}  // namespace

TEST_CASE("bleu: tokens and scores are sacreBLEU's") {
  std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> cases;
  std::istringstream table(read_file(golden + "/bleu.tsv"));
  for (std::string line; std::getline(table, line);) {
    const std::vector<std::string> row = fields(line);
    REQUIRE(row.size() == 4);
    cases[row[0]].first.push_back(row[1]);
    cases[row[0]].second.push_back(row[2]);
    CHECK(joined_words(train::tokenize_13a(row[1])) == row[3]);
  }
  std::istringstream scores(read_file(golden + "/bleu.txt"));
  std::string name;
  int checked = 0;
  while (scores >> name) {
    INFO(name);
    const train::BleuScore bleu = train::corpus_bleu(cases.at(name).first, cases.at(name).second);
    double value = 0;
    Index count = 0;
    scores >> value;
    CHECK(bleu.score == Approx(value).epsilon(0).margin(1e-9));
    for (const double precision : bleu.precisions) {
      scores >> value;
      CHECK(precision == Approx(value).epsilon(0).margin(1e-9));
    }
    scores >> value;
    CHECK(bleu.brevity_penalty == Approx(value).epsilon(0).margin(1e-12));
    scores >> count;
    CHECK(bleu.hyp_len == count);
    scores >> count;
    CHECK(bleu.ref_len == count);
    for (const auto& counts : {bleu.correct, bleu.total})
      for (const Index ours : counts) {
        scores >> count;
        CHECK(ours == count);
      }
    ++checked;
  }
  CHECK(checked == 15);
}

TEST_CASE("bleu: of several references the closest length and the best match count") {
  // sacrebleu.corpus_bleu(["the cat sat on the mat", "no"], [["a cat sat on the mat today", "yes"], ["the cat is on the
  // mat", "no no"]])
  train::Bleu bleu;
  bleu.add("the cat sat on the mat", std::vector<std::string>{"a cat sat on the mat today", "the cat is on the mat"});
  bleu.add("no", std::vector<std::string>{"yes", "no no"});
  CHECK(bleu.score().score == Approx(84.08964152537145).epsilon(0).margin(1e-9));
  CHECK(bleu.score().ref_len == 7);
}

TEST_CASE("bleu: is written as sacreBLEU writes it") {
  const train::BleuScore bleu = train::corpus_bleu({"Das ist gut ."}, {"Das ist schlecht."});
  CHECK(bleu.to_string() == "BLEU = 35.36 75.0/33.3/25.0/25.0 (BP = 1.000 ratio = 1.000 hyp_len = 4 ref_len = 4)");
}

TEST_CASE("bleu: errors") {
  CHECK_THROWS_WITH(train::corpus_bleu({"a", "b"}, {"a"}), "corpus_bleu: 2 hypotheses, 1 references");
  train::Bleu bleu;
  CHECK_THROWS_WITH(bleu.add("a", std::span<const std::string>{}), "Bleu::add: no reference");
}
