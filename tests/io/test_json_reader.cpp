// JSON, piece by piece: what is read, and that nothing else passes.
#include <gloss/io/json_reader.hpp>
#include <string>

#include "support/catch.hpp"

using gloss::io::detail::json_members;
using gloss::io::detail::JsonError;
using gloss::io::detail::JsonReader;

namespace {
/// What is wrong with a text; nothing for JSON.
std::string complaint(std::string_view text) {
  try {
    JsonReader reader(text);
    reader.skip();
    reader.end();
    return "";
  } catch (const JsonError& error) {
    return error.what();
  }
}
std::string at(int byte) { return "is not valid JSON at byte " + std::to_string(byte); }
}  // namespace

TEST_CASE("json: values of every kind, one after the other") {
  using Kind = JsonReader::Kind;
  JsonReader reader(R"( {"a" : [1, -2.5e3, "x\ty", true, false, null, [], {}], "" :{"b":[[0]]} } )");
  std::string key;
  reader.enter();
  REQUIRE(reader.next_key(key));
  CHECK(key == "a");
  REQUIRE(reader.kind() == Kind::array);
  reader.enter();
  CHECK((reader.next_item() && reader.kind() == Kind::number && reader.number() == "1"));
  CHECK((reader.next_item() && reader.number() == "-2.5e3"));
  CHECK((reader.next_item() && reader.kind() == Kind::string && reader.string() == "x\ty"));
  CHECK((reader.next_item() && reader.kind() == Kind::boolean && reader.boolean()));
  CHECK((reader.next_item() && reader.kind() == Kind::boolean && !reader.boolean()));
  CHECK((reader.next_item() && reader.kind() == Kind::null && reader.skip() == "null"));
  CHECK((reader.next_item() && reader.skip() == "[]"));
  CHECK((reader.next_item() && reader.kind() == Kind::object && reader.skip() == "{}"));
  CHECK_FALSE(reader.next_item());
  REQUIRE(reader.next_key(key));
  CHECK(key == "");
  CHECK(reader.skip() == R"({"b":[[0]]})");
  CHECK_FALSE(reader.next_key(key));
  reader.end();
}

TEST_CASE("json: texts") {
  const auto text = [](std::string_view json) { return JsonReader(json).string(); };
  CHECK(text(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(text(R"("\u0041\u00e4\u20AC\ud83D\uDE00")") == "A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(text(R"("\u0000")") == std::string(1, '\0'));
  CHECK(text("\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\"") == "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\x7F");
}

TEST_CASE("json: numbers") {
  for (const char* number : {"0", "-0", "10", "1.5", "-0.25e-3", "1E+2", "0e0", "12345678901234567890123"}) {
    INFO(number);
    CHECK(JsonReader(number).number() == number);
  }
  CHECK(JsonReader::to_double("-0.25e-3").first == -0.25e-3);
  CHECK(JsonReader::to_double("1.7976931348623157e308").second);
  CHECK(complaint("[1e309]") == "holds a number that is out of range");
  CHECK(complaint("-1e999") == "holds a number that is out of range");
}

TEST_CASE("json: what is none is refused, where it begins to be none") {
  for (const char* json :
       {"[]", "{}", " [ ] ", "\t\n\r[1,2]", R"({"a":1,"a":2})", "null", "true", "false", "0", "\"\""})
    CHECK(complaint(json) == "");
  const auto check = [](std::string_view json, int byte) {
    INFO(json);
    CHECK(complaint(json) == at(byte));
  };
  for (const char* json :
       {"", "]", "}", ",", ":", "x", "NaN", "Infinity", "+1", ".5", "'a'", "\xEF\xBB\xBF[]", "/**/1"})
    check(json, 1);
  check("  ", 3);
  for (const char* json : {"[", "{", "-", "\"", "tru", "nul", "fals"})
    check(json, int(std::string_view(json).size()) + 1);
  check("tRue", 2), check("nulL", 4), check("[1,]", 4), check("[,1]", 2), check("[1 2]", 4), check("[1}", 3);
  check("{,}", 2), check("{\"a\"}", 5), check("{\"a\" 1}", 6), check("{\"a\":}", 6), check("{\"a\":1,}", 8);
  check("{1:2}", 2), check("{\"a\":1]", 7), check("[1]]", 4), check("{} {}", 4), check("1 2", 3), check("[[]", 4);
  check("01", 2), check("-a", 2), check("1.", 3), check("1.e1", 3), check("1e", 3), check("1e+", 4), check("0x1", 2);
  check("\"\n\"", 2), check("\"\\x\"", 3), check("\"\\u12g4\"", 6), check("\"\\u12", 6), check("\"\\", 3);
  check(R"("\udc00")", 8), check(R"("\ud800")", 8), check(R"("\ud800\n")", 9), check(R"("\ud800\u0041")", 14);
  check(std::string_view("[1]\0", 4), 4), check(std::string_view("\"\0\"", 3), 2), check(std::string_view("1\0", 2), 2);
  for (const char* bytes : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98"})
    check("\"" + std::string(bytes) + "\"", 2);
}

TEST_CASE("json: any depth") {
  const std::string open(1'000'000, '['), close(1'000'000, ']');
  CHECK(complaint(open + close) == "");
  CHECK(complaint(open) == at(1'000'001));
}

TEST_CASE("json: the members of an object") {
  const auto members = json_members(R"( {"b": [1, {"c": 2}], "a": null , "b\u0062":"x", "a": 7} )");
  REQUIRE(members.size() == 3);
  CHECK(members.at("b") == R"([1, {"c": 2}])");
  CHECK(members.at("a") == "7");
  CHECK(members.at("bb") == "\"x\"");
  CHECK(json_members("{}").empty());
  for (const char* json : {"[]", "1", "\"a\""}) {
    try {
      json_members(json);
      FAIL(json);
    } catch (const JsonError& error) {
      CHECK(std::string(error.what()) == "is not a JSON object");
    }
  }
  CHECK_THROWS_AS(json_members("{} x"), JsonError);
  CHECK_THROWS_AS(json_members("{\"a\":1e400}"), JsonError);
}
