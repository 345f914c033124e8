// Python's pickles as data: what one says is written down as values, and nothing in it is ever called, imported or
// built. Protocols 2 to 5. Format: operations of one byte each, with what they read, on a stack and a memo.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// What a value of a pickle is.
enum class PickleKind : std::uint8_t {
  none,
  boolean,
  integer,
  big_integer,  // of more than 64 bits
  real,
  text,
  bytes,  // and the str of Python 2
  tuple,
  list,
  set,
  dict,       // an OrderedDict, Counter or defaultdict as well
  global,     // the name of a class or function
  call,       // what a global would make of arguments
  persistent  // what is not in the pickle, and is named by a value
};

/// A value of a pickle. Parts are numbers of other values; a value may be part of several, even of itself.
struct PickleValue {
  PickleKind kind = PickleKind::none;
  std::int64_t integer = 0;  // 0 or 1 for a boolean
  double real = 0;
  std::string_view text = {};  // text or bytes; "module.name" of a global; of a big_integer its bytes, the lowest first
  std::vector<std::uint32_t> parts = {};  // keys and values of a dict in turn; function, arguments and state of a call
};

/// One pickle, checked as it is read. Its texts lie in the bytes that it was read from, which must outlive it, and its
/// memory is at most some hundred times theirs.
class Pickle {
 public:
  /// Reads to the end of the first pickle in `bytes`; `op` and `file` stand in error texts. It may name `globals` and
  /// the dicts of Python's collections, nothing else.
  /// Errors: LoadError for a pickle that is damaged, holds more than `most` values or names another global.
  Pickle(const char* op, std::string_view bytes, std::string file, std::vector<std::string> globals,
         std::size_t most = std::size_t{1} << 24)
      : op_(op), bytes_(bytes), file_(std::move(file)), globals_(std::move(globals)), most_(most) {
    for (const char* dict : dicts) globals_.emplace_back(dict);
    run();
  }
  Pickle(Pickle&&) = default;  // and not copied: the names of globals lie in it

  const PickleValue& operator[](std::uint32_t number) const { return values_[number]; }
  /// All of them, in the order in which they are made.
  const std::vector<PickleValue>& values() const { return values_; }
  /// The number of the value that the pickle stands for.
  std::uint32_t root() const { return root_; }
  /// Where the pickle ends in the bytes.
  std::size_t end() const { return at_; }

 private:
  using Numbers = std::vector<std::uint32_t>;
  static constexpr const char* dicts[] = {"collections.OrderedDict", "collections.Counter", "collections.defaultdict"};

  template <class... Parts>
  [[noreturn]] GLOSS_NOINLINE void bad(const Parts&... parts) const {
    fail<LoadError>(op_, ": ", file_, ": its pickle ", parts..., " at byte ", start_);
  }

  GLOSS_COLD std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) bad("ends too early");
    const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += taken.size();
    return taken;
  }
  GLOSS_COLD std::uint64_t number(int count) {
    std::uint64_t n = 0;
    const std::string_view taken = take(static_cast<std::uint64_t>(count));
    for (int i = count; i-- > 0;) n = n << 8 | static_cast<unsigned char>(taken[static_cast<std::size_t>(i)]);
    return n;
  }
  GLOSS_COLD std::string_view line() {
    const std::size_t length = bytes_.substr(at_).find('\n');
    if (length == std::string_view::npos) bad("ends too early");
    const std::string_view text = take(length);
    ++at_;
    return text;
  }

  GLOSS_COLD void push(PickleValue value) {
    if (values_.size() == most_) bad("holds more than ", most_, " values");
    stack_.push_back(static_cast<std::uint32_t>(values_.size()));
    values_.push_back(std::move(value));
  }
  GLOSS_COLD std::uint32_t pop() {
    if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) bad("takes a value that is not there");
    const std::uint32_t top = stack_.back();
    stack_.pop_back();
    return top;
  }
  GLOSS_COLD std::uint32_t top() {
    const std::uint32_t number = pop();
    stack_.push_back(number);
    return number;
  }
  /// All behind the last mark, which goes with them.
  GLOSS_COLD Numbers since_mark() {
    if (marks_.empty()) bad("takes values to a mark that is not there");
    const Numbers taken(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return taken;
  }
  GLOSS_COLD Numbers last(std::size_t count) {
    Numbers taken(count);
    for (std::size_t i = count; i-- > 0;) taken[i] = pop();
    return taken;
  }

  void push_whole(std::int64_t n) { push({.kind = PickleKind::integer, .integer = n}); }
  void push_text(PickleKind kind, std::uint64_t length) { push({.kind = kind, .text = take(length)}); }
  void push_parts(PickleKind kind, Numbers parts) { push({.kind = kind, .parts = std::move(parts)}); }
  /// A two's complement number, the lowest byte first.
  GLOSS_COLD void push_long(std::uint64_t length) {
    const std::string_view text = take(length);
    if (length > 8) return push({.kind = PickleKind::big_integer, .text = text});
    std::uint64_t n = length > 0 && (text.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = text.size(); i-- > 0;) n = n << 8 | static_cast<unsigned char>(text[i]);
    push_whole(static_cast<std::int64_t>(n));
  }
  GLOSS_COLD void push_real() {
    std::uint64_t bits = 0;
    for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    push({.kind = PickleKind::real, .real = std::bit_cast<double>(bits)});
  }
  GLOSS_COLD void push_global(std::string_view module, std::string_view name) {
    const std::string full = std::string(module == "__builtin__" ? "builtins" : module) + "." + std::string(name);
    const auto known = std::find(globals_.begin(), globals_.end(), full);
    if (known == globals_.end()) bad("names ", full.substr(0, 200), ", which is not data,");
    push({.kind = PickleKind::global, .text = *known});
  }
  /// What function and arguments would make.
  GLOSS_COLD void push_call(std::uint32_t function, std::uint32_t arguments) {
    if (values_[function].kind != PickleKind::global) bad("calls what is no global");
    if (values_[arguments].kind != PickleKind::tuple) bad("calls with arguments that are no tuple");
    const std::string_view name = values_[function].text;
    const bool empty = values_[arguments].parts.empty() || name == "collections.defaultdict";
    const bool dict = empty && std::find(std::begin(dicts), std::end(dicts), name) != std::end(dicts);
    if (dict) return push({.kind = PickleKind::dict});
    push_parts(PickleKind::call, {function, arguments});
  }
  /// More parts for the list, set or dict on top. What a call has made is not known, nor what parts mean to it.
  GLOSS_COLD void add(const Numbers& parts, PickleKind kind) {
    PickleValue& to = values_[top()];
    if (to.kind == PickleKind::call) return;
    if (to.kind != kind) bad("adds to what cannot be added to");
    if (kind == PickleKind::dict && parts.size() % 2 != 0) bad("has a key without a value");
    to.parts.insert(to.parts.end(), parts.begin(), parts.end());
  }
  GLOSS_COLD void get(std::uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) bad("takes value ", place, " of its memo, which is not there,");
    stack_.push_back(found->second);
  }
  GLOSS_COLD void build() {
    const std::uint32_t state = pop();
    PickleValue& object = values_[top()];
    if (object.kind == PickleKind::call)
      object.parts.push_back(state);
    else if (object.kind != PickleKind::dict)
      bad("gives a state to what has none");
  }

  GLOSS_COLD void run() {
    for (;;) {
      start_ = at_;
      const unsigned op = static_cast<unsigned char>(take(1)[0]);
      if (op == '.') break;
      if (!run_simple(op) && !run_structure(op)) bad("holds operation ", op, ", which is not known,");
    }
    root_ = pop();
  }
  /// Numbers, texts, and what only steers the reading.
  GLOSS_COLD bool run_simple(unsigned op) {
    switch (op) {
      case 0x80:  // PROTO
        return number(1), true;
      case 0x95:  // FRAME
        return number(8), true;
      case 'N':
        return push({}), true;
      case 0x88:  // NEWTRUE, NEWFALSE
      case 0x89:
        return push({.kind = PickleKind::boolean, .integer = op == 0x88}), true;
      case 'J':  // BININT
        return push_whole(static_cast<std::int32_t>(static_cast<std::uint32_t>(number(4)))), true;
      case 'K':
        return push_whole(static_cast<std::int64_t>(number(1))), true;
      case 'M':
        return push_whole(static_cast<std::int64_t>(number(2))), true;
      case 0x8A:  // LONG1, LONG4
        return push_long(number(1)), true;
      case 0x8B:
        return push_long(number(4)), true;
      case 'G':
        return push_real(), true;
      case 0x8C:  // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
        return push_text(PickleKind::text, number(1)), true;
      case 'X':
        return push_text(PickleKind::text, number(4)), true;
      case 0x8D:
        return push_text(PickleKind::text, number(8)), true;
      case 'U':  // SHORT_BINSTRING, SHORT_BINBYTES
      case 'C':
        return push_text(PickleKind::bytes, number(1)), true;
      case 'T':  // BINSTRING, BINBYTES
      case 'B':
        return push_text(PickleKind::bytes, number(4)), true;
      case 0x8E:  // BINBYTES8, BYTEARRAY8
      case 0x96:
        return push_text(PickleKind::bytes, number(8)), true;
      case 'q':  // BINPUT, LONG_BINPUT, MEMOIZE
        return memo_[number(1)] = top(), true;
      case 'r':
        return memo_[number(4)] = top(), true;
      case 0x94:
        return memo_.emplace(memo_.size(), top()), true;
      case 'h':
        return get(number(1)), true;
      case 'j':
        return get(number(4)), true;
      default:
        return false;
    }
  }
  GLOSS_COLD bool run_structure(unsigned op) {
    switch (op) {
      case '(':
        return marks_.push_back(stack_.size()), true;
      case '0':
        return pop(), true;
      case '1':
        return since_mark(), true;
      case ')':
        return push({.kind = PickleKind::tuple}), true;
      case ']':
        return push({.kind = PickleKind::list}), true;
      case '}':
        return push({.kind = PickleKind::dict}), true;
      case 0x8F:  // EMPTY_SET
        return push({.kind = PickleKind::set}), true;
      case 0x85:  // TUPLE1 to TUPLE3
      case 0x86:
      case 0x87:
        return push_parts(PickleKind::tuple, last(op - 0x84)), true;
      case 't':
        return push_parts(PickleKind::tuple, since_mark()), true;
      case 0x91:  // FROZENSET
        return push_parts(PickleKind::set, since_mark()), true;
      case 'a':
        return add(last(1), PickleKind::list), true;
      case 'e':
        return add(since_mark(), PickleKind::list), true;
      case 's':
        return add(last(2), PickleKind::dict), true;
      case 'u':
        return add(since_mark(), PickleKind::dict), true;
      case 0x90:  // ADDITEMS
        return add(since_mark(), PickleKind::set), true;
      case 'c': {
        const std::string_view module = line();
        return push_global(module, line()), true;
      }
      case 0x93: {  // STACK_GLOBAL
        const Numbers names = last(2);
        return push_global(values_[names[0]].text, values_[names[1]].text), true;
      }
      case 0x92:  // NEWOBJ_EX: the arguments with names are left out
        pop();
        [[fallthrough]];
      case 'R':
      case 0x81: {  // REDUCE, NEWOBJ
        const Numbers both = last(2);
        return push_call(both[0], both[1]), true;
      }
      case 'b':
        return build(), true;
      case 'Q':
        return push_parts(PickleKind::persistent, last(1)), true;
      default:
        return false;
    }
  }

  const char* op_;
  std::string_view bytes_;
  std::string file_;
  std::vector<std::string> globals_;
  std::size_t most_, at_ = 0, start_ = 0;  // start_: of the operation at hand
  std::vector<PickleValue> values_;
  Numbers stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, std::uint32_t> memo_;
  std::uint32_t root_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::io
