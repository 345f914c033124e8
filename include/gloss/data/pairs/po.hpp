// Sentence pairs from a gettext catalogue in text form (.po).
#pragma once

#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/data/pairs/sentence_pair.hpp>

namespace gloss::inline GLOSS_ABI::data {
namespace detail {

/// Whether a catalogue's header asks for a character set that UTF-8 covers; charset is set to its name.
GLOSS_COLD inline bool has_utf8_charset(std::string_view header, std::string& charset) {
  const std::size_t at = header.find("charset=");
  if (at == std::string_view::npos) return true;
  charset.clear();
  for (const char c : header.substr(at + 8)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') break;
    charset += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return charset == "utf-8" || charset == "utf8" || charset == "us-ascii" || charset == "ascii" ||
         charset == "charset";  // the last is an unfilled template's
}

class PoReader {
 public:
  PoReader(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  GLOSS_COLD std::vector<SentencePair> read() {
    if (starts_with_bom(rest_)) rest_.remove_prefix(3);
    const char end_of_line = line_end(rest_);
    while (!rest_.empty()) {
      ++number_;
      std::string_view line = take_line(rest_, end_of_line);
      check_utf8_line("read_po", name_, number_, line);
      for (skip_blanks(line); !line.empty(); skip_blanks(line)) {
        if (line.front() == '#') {
          read_comment(line);
          break;
        }
        if (line.front() == '"')
          read_string(line);
        else
          read_keyword(line);
      }
    }
    require_string();
    ++number_;
    end_entry();
    if (pairs_.empty()) fail<LoadError>("read_po: ", name_, ": no translated messages in the file");
    return std::move(pairs_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail_here(const Parts&... cause) const {
    fail_at_line("read_po", name_, number_, cause...);
  }

  static void skip_blanks(std::string_view& line) {
    while (!line.empty() && (line.front() == ' ' || (line.front() >= '\t' && line.front() <= '\r')))
      line.remove_prefix(1);
  }

  void read_comment(std::string_view line) {
    if (has_translation_) end_entry();
    const std::string_view kind = line.substr(0, 2);
    if (kind == "#~") fuzzy_ = false;  // an obsolete entry: its flags are not the next one's
    if (kind == "#," && has_flag(line.substr(2), "fuzzy")) fuzzy_ = true;
  }
  /// Whether a list like " c-format, fuzzy" has this flag.
  static bool has_flag(std::string_view flags, std::string_view flag) {
    for (std::size_t at = 0; at < flags.size();) {
      const std::string_view one = flags.substr(at, flags.find_first_of(", \t\v\f\r", at) - at);
      if (one == flag) return true;
      at += one.size() + 1;
    }
    return false;
  }
  void require_string() const {
    if (!keyword_.empty()) fail_here("expected a string in double quotes after ", keyword_);
  }

  /// What stands before a string, which may follow on another line.
  GLOSS_COLD void read_keyword(std::string_view& line) {
    require_string();
    std::size_t length = 0;
    while (length < line.size() && (line[length] == '_' || (line[length] >= 'a' && line[length] <= 'z'))) ++length;
    const std::string_view keyword = line.substr(0, length);
    line.remove_prefix(length);
    if (keyword == "domain") {
      if (has_id_ || has_context_) end_entry();
      field_ = &ignored_;
    } else if (keyword == "msgctxt") {
      if (has_id_) end_entry();
      has_context_ = true;
      field_ = &ignored_;
    } else if (keyword == "msgid") {
      if (has_id_) end_entry();
      has_id_ = true;
      field_ = &id_;
    } else if (keyword == "msgid_plural") {
      if (!has_id_ || has_translation_) fail_here("msgid_plural without msgid");
      field_ = &ignored_;
    } else if (keyword == "msgstr") {
      if (!has_id_) fail_here("msgstr without msgid");
      bool first = true;
      skip_blanks(line);
      if (!line.empty() && line.front() == '[') {
        const std::size_t end = line.find(']');
        const std::string_view form = end == std::string_view::npos ? "" : line.substr(1, end - 1);
        if (form.empty() || form.find_first_not_of("0123456789") != std::string_view::npos)
          fail_here("expected a number in brackets after msgstr");
        first = form.find_first_not_of('0') == std::string_view::npos;
        line.remove_prefix(end + 1);
      } else if (has_translation_) {
        fail_here("a second msgstr for one msgid");
      }
      has_translation_ = true;
      field_ = first ? &translation_ : &ignored_;
    } else {
      fail_here("expected domain, msgctxt, msgid, msgid_plural, msgstr, a string or a comment");
    }
    if (field_ != &ignored_ && !field_->empty()) fail_here("a second ", keyword, " in one message");
    keyword_ = keyword;
  }

  GLOSS_COLD void read_string(std::string_view& line) {
    if (!field_) fail_here("a string without a keyword before it");
    keyword_ = {};
    line.remove_prefix(1);
    for (;;) {
      if (line.empty()) fail_here("a string is not closed");
      const char c = line.front();
      line.remove_prefix(1);
      if (c == '"') return;
      if (c == '\\')
        read_escape(line, *field_);
      else
        *field_ += c;
    }
  }

  GLOSS_COLD void read_escape(std::string_view& line, std::string& out) const {
    if (line.empty()) fail_here("a string is not closed");
    const char c = line.front();
    const auto digit = [](char d) {
      return d >= '0' && d <= '9'   ? d - '0'
             : d >= 'a' && d <= 'f' ? d - 'a' + 10
             : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                    : 99;
    };
    const auto number = [&](int base, std::size_t most) {
      int value = 0;
      std::size_t n = 0;
      for (; n < most && n < line.size() && digit(line[n]) < base && value <= 255; ++n)
        value = value * base + digit(line[n]);
      if (n == 0 || value > 255) fail_here("a bad number after a backslash");
      line.remove_prefix(n);
      out += static_cast<char>(static_cast<unsigned char>(value));
    };
    if (c >= '0' && c <= '7') return number(8, 3);
    line.remove_prefix(1);
    switch (c) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case 'a':
        out += '\a';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'v':
        out += '\v';
        break;
      case 'x':
        number(16, line.size());
        break;
      case '"':
      case '\\':
      case '\'':
      case '?':
        out += c;
        break;
      default:
        fail_here("an unknown escape after a backslash");
    }
  }

  GLOSS_COLD void end_entry() {
    if (has_id_ && !has_translation_) fail_here("msgid without msgstr before this line");
    if (has_context_ && !has_id_) fail_here("msgctxt without msgid before this line");
    if (has_id_ && id_.empty() && !has_context_) {
      std::string charset;
      if (!has_utf8_charset(translation_, charset))
        fail<LoadError>("read_po: ", name_, ": the charset is ", charset, ", expected UTF-8");
    } else if (has_id_ && !fuzzy_ && !id_.empty() && !translation_.empty()) {
      // An escape may have made any byte.
      check_utf8_line("read_po", name_, number_ - 1, id_);
      check_utf8_line("read_po", name_, number_ - 1, translation_);
      pairs_.push_back({id_, translation_});
    }
    if (has_id_) fuzzy_ = false;
    has_id_ = has_translation_ = has_context_ = false;
    id_.clear();
    translation_.clear();
    ignored_.clear();
    field_ = nullptr;
  }

  std::string_view rest_;
  std::string_view name_;
  std::size_t number_ = 0;
  std::vector<SentencePair> pairs_;
  std::string id_, translation_, ignored_;
  std::string* field_ = nullptr;
  std::string_view keyword_;  // whose string is still to come
  bool has_id_ = false, has_translation_ = false, has_context_ = false, fuzzy_ = false;
};

}  // namespace detail

/// Pairs msgid, msgstr from a catalogue in memory; `name` stands for the file in messages. The header, untranslated,
/// fuzzy and obsolete messages are skipped; of plural forms the singular is taken (msgid, msgstr[0]). As for msgfmt,
/// blanks and line ends between keywords and strings mean nothing; a byte order mark and CR line ends are accepted, and
/// of several domains all messages are taken.
/// Errors: LoadError naming file, line and cause; also when nothing is translated, or the charset is not UTF-8.
GLOSS_COLD inline std::vector<SentencePair> parse_po(std::string_view text, std::string_view name) {
  return detail::PoReader(text, name).read();
}

/// Pairs from a file; see parse_po.
inline std::vector<SentencePair> read_po(const std::string& path) { return parse_po(read_file(path), path); }

}  // namespace gloss::inline GLOSS_ABI::data
