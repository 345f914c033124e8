// Pickles as data, each written out byte by byte.
#include <gloss/io/pickle.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using namespace std::string_literals;
using io::Pickle;
using io::PickleKind;
using io::PickleValue;

namespace {

/// A value as Python would show it; a call as function(arguments; state), what is not in the pickle as <name>.
std::string shown(const Pickle& pickle, std::uint32_t number, int depth = 0) {
  const PickleValue& v = pickle[number];
  if (depth > 4) return "...";
  std::string parts;
  const std::size_t first = v.kind == PickleKind::call ? 1 : 0;
  for (std::size_t i = first; i < v.parts.size(); ++i) {
    if (i > first) parts += v.kind == PickleKind::dict && i % 2 == 1 ? ": " : ", ";
    parts += shown(pickle, v.parts[i], depth + 1);
  }
  switch (v.kind) {
    case PickleKind::none:
      return "None";
    case PickleKind::boolean:
      return v.integer == 1 ? "True" : "False";
    case PickleKind::integer:
      return std::to_string(v.integer);
    case PickleKind::big_integer:
      return "big" + std::to_string(v.text.size());
    case PickleKind::real: {
      std::string text;
      append_part(text, v.real);
      return text;
    }
    case PickleKind::text:
      return "'" + std::string(v.text) + "'";
    case PickleKind::bytes:
      return "b'" + std::string(v.text) + "'";
    case PickleKind::tuple:
      return "(" + parts + ")";
    case PickleKind::list:
      return "[" + parts + "]";
    case PickleKind::set:
      return "{" + parts + "}";
    case PickleKind::dict:
      return "{" + parts + (parts.empty() ? ":}" : "}");
    case PickleKind::global:
      return std::string(v.text);
    case PickleKind::call:
      return std::string(pickle[v.parts[0]].text) + parts;
    case PickleKind::persistent:
      return "<" + parts + ">";
  }
  return "?";
}
std::string read(const std::string& bytes) {
  const Pickle pickle("read_it", bytes, "f", {"a.f", "builtins.set"});
  return shown(pickle, pickle.root());
}
void refuse(const std::string& bytes, const std::string& why) {
  CHECK_ERROR(read(bytes), LoadError, "read_it: f: its pickle " + why);
}

}  // namespace

TEST_CASE("Pickle: numbers and texts of every length") {
  CHECK(read("\x80\2N.") == "None");
  CHECK(read("\x88.") == "True");
  CHECK(read("\x89.") == "False");
  CHECK(read("K\xff.") == "255");
  CHECK(read("M\xff\xff.") == "65535");
  CHECK(read("J\xfe\xff\xff\xff.") == "-2");
  CHECK(read("\x8a\0."s) == "0");
  CHECK(read("\x8a\1\xff.") == "-1");
  CHECK(read("\x8a\2\xff\0."s) == "255");
  CHECK(read("\x8a\6\0\0\0\0\0\1."s) == "1099511627776");
  CHECK(read("\x8b\1\0\0\0\x80."s) == "-128");
  CHECK(read("\x8a\x09\0\0\0\0\0\0\0\0\1."s) == "big9");
  CHECK(read("G\xbf\xe0\0\0\0\0\0\0."s) == "-0.5");
  CHECK(read("\x8c\2ab.") == "'ab'");
  CHECK(read("X\2\0\0\0ab."s) == "'ab'");
  CHECK(read("\x8d\2\0\0\0\0\0\0\0ab."s) == "'ab'");
  CHECK(read("U\2ab.") == "b'ab'");
  CHECK(read("C\2ab.") == "b'ab'");
  CHECK(read("T\2\0\0\0ab."s) == "b'ab'");
  CHECK(read("B\2\0\0\0ab."s) == "b'ab'");
  CHECK(read("\x8e\2\0\0\0\0\0\0\0ab."s) == "b'ab'");
  CHECK(read("\x96\2\0\0\0\0\0\0\0ab."s) == "b'ab'");
}

TEST_CASE("Pickle: tuples, lists, dicts and sets") {
  CHECK(read(").") == "()");
  CHECK(read("K\1\x85.") == "(1)");
  CHECK(read("K\1K\2\x86.") == "(1, 2)");
  CHECK(read("K\1K\2K\3\x87.") == "(1, 2, 3)");
  CHECK(read("(K\1K\2K\3K\4t.") == "(1, 2, 3, 4)");
  CHECK(read("].") == "[]");
  CHECK(read("]K\1a.") == "[1]");
  CHECK(read("](K\1K\2e.") == "[1, 2]");
  CHECK(read("}.") == "{:}");
  CHECK(read("}K\1K\2s.") == "{1: 2}");
  CHECK(read("}(K\1K\2K\3]u.") == "{1: 2, 3: []}");
  CHECK(read("\x8f(K\1K\2\x90.") == "{1, 2}");
  CHECK(read("(K\1\x91.") == "{1}");
  CHECK(read("K\1K\2"
             "0.") == "1");
  CHECK(read("K\1(K\2K\3"
             "1.") == "1");
  CHECK(read("\x80\4\x95\1\0\0\0\0\0\0\0N."s) == "None");
}

TEST_CASE("Pickle: a value may be part of several, and of itself") {
  CHECK(read("]q\7(h\7K\1e.") == "[[[[[..., ...], 1], 1], 1], 1]");
  CHECK(read("K\5r\0\1\0\0j\0\1\0\0\x86."s) == "(5, 5)");
  CHECK(read("K\5\x94K\6\x94h\0h\1\x86\x86\x86."s) == "(5, (6, (5, 6)))");
}

TEST_CASE("Pickle: globals are names, and what would be called is written down") {
  CHECK(read("ca\nf\n.") == "a.f");
  CHECK(read("\x8c\1a\x8c\1f\x93.") == "a.f");
  CHECK(read("c__builtin__\nset\n.") == "builtins.set");
  CHECK(read("ca\nf\nK\1\x85R.") == "a.f(1)");
  CHECK(read("ca\nf\nK\1\x85\x81.") == "a.f(1)");
  CHECK(read("ca\nf\nK\1\x85}\x92.") == "a.f(1)");
  CHECK(read("ca\nf\n)R}b.") == "a.f(), {:}");
  CHECK(read("ca\nf\n)R(K\1K\2u.") == "a.f()");  // what it adds to is not known
  CHECK(read("K\7\x85Q.") == "<(7)>");
  CHECK(read("ccollections\nOrderedDict\n)RK\1K\2s}b.") == "{1: 2}");  // a state is no entry
  CHECK(read("ccollections\ndefaultdict\nca\nf\n\x85RK\1K\2s.") == "{1: 2}");
  CHECK(read("ccollections\nOrderedDict\n]\x85R.") == "collections.OrderedDict([])");
}

TEST_CASE("Pickle: several stand one behind the other") {
  const std::string bytes = "K\1.K\2.";
  const Pickle first("read_it", bytes, "f", {});
  CHECK(first.end() == 3);
  const Pickle second("read_it", std::string_view(bytes).substr(first.end()), "f", {});
  CHECK(second[second.root()].integer == 2);
  CHECK(second.values().size() == 1);
}

TEST_CASE("Pickle: another global is refused by its name") {
  refuse("cos\nsystem\n.", "names os.system, which is not data, at byte 0");
  refuse("N\x8c\5posix\x8c\6system\x93.", "names posix.system, which is not data, at byte 16");
  refuse("c" + std::string(1000, 'x') + "\ny\n.", "names " + std::string(200, 'x') + ", which is not data, at byte 0");
  refuse("ca\nf\n)R)R.", "calls what is no global at byte 8");
  refuse("ca\nf\nNR.", "calls with arguments that are no tuple at byte 6");
}

TEST_CASE("Pickle: damage is found, and said where") {
  refuse("", "ends too early at byte 0");
  refuse("N", "ends too early at byte 1");
  refuse("NM\1", "ends too early at byte 1");
  refuse("cos", "ends too early at byte 0");
  refuse("X\xff\xff\xff\xff.", "ends too early at byte 0");
  refuse("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends too early at byte 0");
  refuse("\x8d\0\0\0\0\0\0\0\x10."s, "ends too early at byte 0");
  refuse(".", "takes a value that is not there at byte 0");
  refuse("N(\x85.", "takes a value that is not there at byte 2");
  refuse("Nt.", "takes values to a mark that is not there at byte 1");
  refuse("Nh\3.", "takes value 3 of its memo, which is not there, at byte 1");
  refuse("N(NNe.", "adds to what cannot be added to at byte 4");
  refuse("}(Nu.", "has a key without a value at byte 3");
  refuse("NNb.", "gives a state to what has none at byte 2");
  refuse("I1\n.", "holds operation 73, which is not known, at byte 0");
  CHECK_ERROR(Pickle("read_it", "NNNN.", "f", {}, 3), LoadError,
              "read_it: f: its pickle holds more than 3 values at byte 3");
}
