#include <gloss/data/csv.hpp>

#include <cmath>

#include "support/escaped_fields.hpp"
#include "support/mutate.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;
using Texts = std::vector<std::string>;

namespace {
data::Table parse(std::string_view text, data::CsvOptions options = {}) { return data::parse_csv(text, "f", options); }
}  // namespace

TEST_CASE("parse_csv: columns by name") {
  const data::Table t = parse("name,size,n\nmouse,1.5,3\n\nelephant,  +6e3 ,-4\nant,,0\n");
  CHECK(t.names() == Texts{"name", "size", "n"});
  CHECK(t.rows() == 3);
  CHECK(t.texts("name") == Texts{"mouse", "elephant", "ant"});
  const Tensor<double> sizes = t.numbers<double>("size");
  CHECK(sizes.shape() == Shape{3});
  CHECK(sizes.data()[1] == 6000);
  CHECK(std::isnan(sizes.data()[2]));
  CHECK(values(t.integers("n")) == std::vector<std::int64_t>{3, -4, 0});
  const Tensor<float> both = t.matrix({"n", "size"});
  CHECK(both.shape() == Shape{3, 2});
  CHECK(values(both.slice(0, 0, 2)) == std::vector<float>{3, 1.5f, -4, 6000});
  const TempFolder folder;
  CHECK(data::read_csv(folder.write("a.csv", "a\n1\n")).integers("a").item() == 1);
}

TEST_CASE("parse_csv: quotes, line ends, byte order mark") {
  const data::Table t = parse("\xEF\xBB\xBF\"a\",\"b \"\"c\"\"\"\r\n\"1,2\",\"two\nlines\"\r\n,\"\"\r\n\"x\"\"\",5\"");
  CHECK(t.names() == Texts{"a", "b \"c\""});
  CHECK(t.texts("a") == Texts{"1,2", "", "x\""});
  CHECK(t.texts("b \"c\"") == Texts{"two\nlines", "", "5\""});
  CHECK(parse("a,b\r1,2\r3,4").texts("b") == Texts{"2", "4"});
  CHECK(parse("a\tb\n1,1\t\"2\t2\"", {.separator = '\t'}).texts("b") == Texts{"2\t2"});
  CHECK(parse("a\tb\n5\"\t\"x", {.separator = '\t', .quote = '\0'}).texts("b") == Texts{"\"x"});
  CHECK(parse("1,2\n3,4", {.header = false}).texts("1") == Texts{"2", "4"});
  CHECK(parse("a,b").rows() == 0);
  CHECK(parse("a,b").matrix({"a", "b"}).shape() == Shape{0, 2});
}

TEST_CASE("parse_csv: finds the fields that Python's csv module finds") {
  const std::string golden = read_file(GLOSS_TEST_DATA "/csv.txt");
  std::string_view rest = golden;
  int cases = 0;
  for (; !rest.empty(); ++cases) {
    const std::string text = gloss_test::fields(std::string(text::detail::take_line(rest)) + "\t")[0];
    INFO(text);
    const data::Table table = parse(text, {.header = false});
    Index rows = 0;
    for (std::string line; line = text::detail::take_line(rest), line != "%%"; ++rows) {
      const Texts expected = gloss_test::fields(line);
      REQUIRE(rows < table.rows());
      REQUIRE(expected.size() == table.names().size());
      for (std::size_t c = 0; c < expected.size(); ++c)
        CHECK(table.texts(std::to_string(c))[static_cast<std::size_t>(rows)] == expected[c]);
    }
    CHECK(rows == table.rows());
  }
  CHECK(cases == 200);
}

TEST_CASE("Table: classes of a column") {
  const data::NamedLabels kinds = parse("k\nb\na\nc\nb\n").labels("k");
  CHECK(kinds.names == Texts{"a", "b", "c"});
  CHECK(values(kinds.ids) == std::vector<std::int64_t>{1, 0, 2, 1});
}

TEST_CASE("parse_csv: what is wrong is told with its line") {
  CHECK_ERROR(parse(""), LoadError, "read_csv: f: there is nothing in it");
  CHECK_ERROR(parse("\n\n"), LoadError, "read_csv: f: there is nothing in it");
  CHECK_ERROR(parse("a,b\n1,2\n\n3\n"), LoadError, "read_csv: f:4: expected 2 fields, found 1");
  CHECK_ERROR(parse("a,b\n\"1\n\n2\",2\n3,4,5\n"), LoadError, "read_csv: f:5: expected 2 fields, found 3");
  CHECK_ERROR(parse("a,b\r\n\"1\r\n\r\n2\",2\r\n3\r\n"), LoadError, "read_csv: f:5: expected 2 fields, found 1");
  CHECK_ERROR(parse("a,b\n1,\"2\n3,4\n"), LoadError, "read_csv: f:2: a quote is not closed");
  CHECK_ERROR(parse("a,b\n\"1\n\"x,2\n"), LoadError, "read_csv: f:3: text behind the closing quote of a field");
  CHECK_ERROR(parse("a,b\n1,2\n3,\xff\n"), LoadError, "read_csv: f:3: a field is not UTF-8");
  CHECK_ERROR(parse("a,b,a\n"), LoadError, "read_csv: f:1: two columns are named 'a'");
  const data::Table t = parse("length,n\n1,2\n\n4x,5\n,6.0\n");
  CHECK_ERROR(t.texts("lenght"), LoadError, "read_csv: f: there is no column 'lenght'; is 'length' meant?");
  CHECK_ERROR(t.labels("x y z"), LoadError, "read_csv: f: there is no column 'x y z'");
  CHECK_ERROR(t.numbers("length"), LoadError, "read_csv: f:4: '4x' in column 'length' is not a number");
  CHECK_ERROR(t.integers("n"), LoadError, "read_csv: f:5: '6.0' in column 'n' is not a whole number");
  CHECK_ERROR(parse("a\n+-1").numbers("a"), LoadError, "read_csv: f:2: '+-1' in column 'a' is not a number");
  CHECK_ERROR(parse("a,b\n ,1").numbers("a"), LoadError, "read_csv: f:2: ' ' in column 'a' is not a number");
  Rng rng(1);
  for (int i = 0; i < 3000; ++i) try {
      const data::Table read = parse(mutate("a,\"b\"\"\n\",c\r\n1,2,\"3,3\"\n\"\",5,6\n", rng));
      for (const std::string& name : read.names()) CHECK(static_cast<Index>(read.texts(name).size()) == read.rows());
    } catch (const LoadError&) {
    }
}
