#include <support/catch.hpp>

#include <algorithm>
#include <random>

#include <gloss/text/stop_strings.hpp>

using namespace gloss;
using text::StopStrings;

namespace {

/// What is let through, however the text is cut: each way must give the same.
std::string let_through(const std::vector<std::string>& strings, const std::string& text) {
  std::string first;
  for (std::size_t size = 1; size <= text.size() + 1; ++size) {
    StopStrings stops(strings);
    std::string out;
    for (std::size_t at = 0; at < text.size() && !stops.stopped(); at += size) {
      out += stops.push(std::string_view(text).substr(at, size));
      // Nothing that was given may have to be taken back.
      for (const std::string& s : strings) CHECK(out.find(s) == std::string::npos);
    }
    out += stops.rest();
    CHECK(stops.rest().empty());
    if (size == 1) first = out;
    INFO(size);
    CHECK(out == first);
  }
  return first;
}

}  // namespace

TEST_CASE("StopStrings: the text up to a stop string, wherever its pieces are cut") {
  CHECK(let_through({"</s>"}, "one two</s> three") == "one two");
  CHECK(let_through({"</s>"}, "one < two </ three </s") == "one < two </ three </s");
  CHECK(let_through({"\n\n", "User:"}, "a\nUser: b\n\nc") == "a\n");
  CHECK(let_through({"aab"}, "aaaab") == "aa");
  CHECK(let_through({"abab"}, "abacabab!") == "abac");
  CHECK(let_through({"stop"}, "stop") == "");
  CHECK(let_through({}, "all of it") == "all of it");
  CHECK(let_through({"\u20AC"}, "5 \u20AB, 6 \u20AC") == "5 \u20AB, 6 ");
}

TEST_CASE("StopStrings: the one that is complete first counts, of those the longest") {
  CHECK(let_through({"abc", "b"}, "xabc") == "xa");
  CHECK(let_through({"b", "abc"}, "xabc") == "xa");
  CHECK(let_through({"c", "bc", "abc"}, "xabc") == "x");
  CHECK(let_through({"abcd", "bc"}, "xabcd") == "xa");
}

TEST_CASE("StopStrings: what may begin one is held back, what cannot is given at once") {
  StopStrings stops({"<end>", "done"});
  CHECK(stops.push("a <") == "a ");
  CHECK(stops.push("e") == "");
  CHECK(stops.push("x don") == "<ex ");
  CHECK(stops.push("t<en") == "dont");
  CHECK_FALSE(stops.stopped());
  CHECK(stops.push("d>more") == "");
  CHECK(stops.stopped());
  CHECK(stops.push("even more") == "");
  CHECK(stops.rest() == "");
  StopStrings open({"<end>"});
  CHECK(open.push("text <en") == "text ");
  CHECK(open.rest() == "<en");
  CHECK_THROWS_WITH(StopStrings({"a", ""}), "StopStrings: a stop string is empty");
}

TEST_CASE("StopStrings: random texts of few letters, cut at random, against a search in the whole") {
  std::mt19937 rng(3);
  for (int i = 0; i < 2000; ++i) {
    const auto letters = [&](std::size_t most) {
      std::string s(1 + rng() % most, 'a');
      for (char& c : s) c = static_cast<char>('a' + static_cast<char>(rng() % 2));
      return s;
    };
    const std::vector<std::string> strings = {letters(4), letters(5)};
    const std::string text = letters(20);
    std::string wanted = text;
    for (std::size_t n = 1; n <= text.size() && wanted.size() == text.size(); ++n)  // as it grows letter by letter
      for (const std::string& s : strings)
        if (text.substr(0, n).ends_with(s)) wanted = text.substr(0, (std::min)(wanted.size(), n - s.size()));
    StopStrings stops(strings);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t n = 1 + rng() % 4;
      out += stops.push(std::string_view(text).substr(at, n));
      at += n;
    }
    out += stops.rest();
    INFO(text << " " << strings[0] << " " << strings[1]);
    CHECK(out == wanted);
  }
}
