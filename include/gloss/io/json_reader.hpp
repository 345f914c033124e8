// Reads JSON piece by piece: nothing is kept that was not asked for, and nothing is read that is no JSON (RFC 8259).
#pragma once

#include <charconv>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI::io::detail {

/// Text that is no JSON. What it says goes behind a name: "is not valid JSON at byte 7".
struct JsonError : LoadError {
  using LoadError::LoadError;
};

/// Takes values off a text, one after the other. Who reads an object or an array enters it and asks for what comes next
/// until there is nothing more:
///   for (reader.enter(); reader.next_key(key);) ...   // reads one value
/// Errors: JsonError for text that is no JSON, and for a number beyond double's.
class JsonReader {
 public:
  enum class Kind : char { object = '{', array = '[', string = '"', number = '0', boolean = 't', null = 'n' };

  explicit JsonReader(std::string_view text) : text_(text) {}

  /// What the value is that comes next.
  GLOSS_COLD Kind kind() {
    skip_blanks();
    switch (const char c = next()) {
      case '{':
      case '[':
      case '"':
      case 't':
      case 'n':
        return static_cast<Kind>(c);
      case 'f':
        return Kind::boolean;
      default:
        if (c != '-' && (c < '0' || c > '9')) bad();
        return Kind::number;
    }
  }
  bool is_container() { return kind() == Kind::object || kind() == Kind::array; }

  /// Goes into the object or the array that comes next.
  GLOSS_COLD void enter() {
    if (!is_container()) bad();
    ++at_;
    entered_ = true;
  }
  /// The name of the object's next member, whose value is to be read; false at the end of the object.
  GLOSS_COLD bool next_key(std::string& key) {
    if (!next_item('}')) return false;
    key = string();
    skip_blanks();
    take(':');
    return true;
  }
  /// Whether there is another element in the array, which is to be read.
  GLOSS_COLD bool next_item(char end = ']') {
    skip_blanks();
    const bool first = entered_;
    entered_ = false;
    if (next() == end) return ++at_, false;
    if (!first) take(',');
    return true;
  }

  GLOSS_COLD std::string string() {
    skip_blanks();
    take('"');
    std::string out;
    while (next() != '"') {
      const char c = next();
      if (static_cast<unsigned char>(c) < 0x20) bad();  // and at the end
      if (c == '\\')
        escape(out);
      else
        character(out);
    }
    ++at_;
    return out;
  }
  /// The text of a number.
  GLOSS_COLD std::string_view number() {
    skip_blanks();
    const std::size_t begin = at_;
    if (next() == '-') ++at_;
    if (next() == '0')
      ++at_;
    else
      digits();
    if (next() == '.') ++at_, digits();
    if (next() == 'e' || next() == 'E') {
      ++at_;
      if (next() == '+' || next() == '-') ++at_;
      digits();
    }
    const std::string_view text = text_.substr(begin, at_ - begin);
    if (!to_double(text).second) fail<JsonError>("holds a number that is out of range");
    return text;
  }
  GLOSS_COLD bool boolean() {
    const bool value = kind() == Kind::boolean && next() == 't';
    word(value ? "true" : "false");
    return value;
  }
  /// Passes over a value; its text.
  GLOSS_COLD std::string_view skip() {
    skip_blanks();
    const std::size_t begin = at_;
    std::string key, open;  // what the objects and arrays begin with that are not at their end
    do {
      const Kind what = kind();
      if (is_container()) enter(), open += static_cast<char>(what);
      if (what == Kind::string) string();
      if (what == Kind::number) number();
      if (what == Kind::boolean) boolean();
      if (what == Kind::null) word("null");
      while (!open.empty() && !(open.back() == '{' ? next_key(key) : next_item())) open.pop_back();
    } while (!open.empty());
    return text_.substr(begin, at_ - begin);
  }
  /// Errors: JsonError when there is more.
  GLOSS_COLD void end() {
    skip_blanks();
    if (at_ < text_.size()) bad();
  }

  /// A number's value, and whether it is one that a double can be.
  GLOSS_COLD static std::pair<double, bool> to_double(std::string_view number) {
    double value = 0;
#ifdef __cpp_lib_to_chars
    const bool fits = std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc();
#else
    value = std::strtod(std::string(number).c_str(), nullptr);
    const bool fits = value - value == 0;
#endif
    return {value, fits};
  }

 private:
  [[noreturn]] GLOSS_COLD void bad() const { fail<JsonError>("is not valid JSON at byte ", at_ + 1); }
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void take(char c) {
    if (next() != c) bad();
    ++at_;
  }
  void word(std::string_view letters) {
    skip_blanks();
    for (const char c : letters) take(c);
  }
  void skip_blanks() {
    while (next() == ' ' || next() == '\n' || next() == '\r' || next() == '\t') ++at_;
  }
  void digits() {
    do {
      if (next() < '0' || next() > '9') bad();
      ++at_;
    } while (next() >= '0' && next() <= '9');
  }
  /// One character of UTF-8; no overlong form, no surrogate, nothing past U+10FFFF.
  void character(std::string& out) {
    const auto byte = [&](std::size_t i) { return at_ + i < text_.size() ? text_[at_ + i] & 0xFF : 0; };
    const int lead = byte(0), low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const int high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    bool fits = lead < 0x80 || (lead >= 0xC2 && lead <= 0xF4 && byte(1) >= low && byte(1) <= high);
    for (std::size_t i = 2; i < length; ++i) fits = fits && (byte(i) & 0xC0) == 0x80;
    if (!fits) bad();
    out += text_.substr(at_, length);
    at_ += length;
  }
  static void append_utf8(std::string& out, char32_t value) {
    const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    const int tail = value < 0x80 ? 0 : value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;  // bytes of six bits each
    put((tail == 0 ? 0u : tail == 1 ? 0xC0u : tail == 2 ? 0xE0u : 0xF0u) | value >> 6 * tail);
    for (int i = tail - 1; i >= 0; --i) put(0x80u | (value >> 6 * i & 0x3Fu));
  }
  GLOSS_COLD void escape(std::string& out) {
    static constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    take('\\');
    if (next() == 'u') {
      char32_t value = sixteen_bits();
      if (value >= 0xDC00 && value < 0xE000) bad();
      if (value >= 0xD800 && value < 0xDC00) {  // half of a character beyond 16 bits
        take('\\');
        const char32_t low = sixteen_bits();
        if (low < 0xDC00 || low >= 0xE000) bad();
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
      }
      return append_utf8(out, value);
    }
    const std::size_t which = names.find(next());
    if (which == names.npos) bad();
    out += values[which];
    ++at_;
  }
  char32_t sixteen_bits() {
    take('u');
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = next();
      const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!letter && (c < '0' || c > '9')) bad();
      value = value * 16 + static_cast<char32_t>(letter ? (c & 7) + 9 : c - '0');
    }
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool entered_ = false;  // and nothing was read since, so that no comma is wanted
};

/// The members of an object that is the whole text, each as its own text; of equal names the last counts. The text must
/// outlive them.
/// Errors: JsonError for what is no object.
GLOSS_COLD inline std::map<std::string, std::string_view> json_members(std::string_view text) {
  JsonReader reader(text);
  if (reader.kind() != JsonReader::Kind::object) fail<JsonError>("is not a JSON object");
  std::map<std::string, std::string_view> members;
  std::string key;
  for (reader.enter(); reader.next_key(key);) members[key] = reader.skip();
  reader.end();
  return members;
}

}  // namespace gloss::inline GLOSS_ABI::io::detail
