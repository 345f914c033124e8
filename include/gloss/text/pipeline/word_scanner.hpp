// The regular expressions by which GPT-2, Llama 3, Qwen 2 and their kin cut text into words, written out.
#pragma once

#include <array>
#include <string_view>

#include <gloss/text/pipeline/unicode.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// Cuts a text into words with the white space before them, numbers, runs of other signs, and white space. The pieces
/// joined are the text. The options make it one of the expressions of find().
struct WordScanner {
  std::string_view name, regex;  ///< what this is written out from
  bool any_case = false;         ///< "'S" and "'LL" are pieces, as "'s" and "'ll" are
  bool any_prefix = false;       ///< letters take the sign or white space before them, and not only a space
  int digits = 0;                ///< so many at most to a number; 0: any, and the space before
  bool line_ends = false;        ///< line ends go with the signs before them, white space ends after its last line end
  bool whole_end = false;        ///< white space at the end of the text is one piece

  /// The scanner of a regular expression or of a name; null for none.
  static const WordScanner* find(std::string_view regex_or_name);

  /// The end of the piece that begins at `at`, which is below text.size().
  std::size_t piece_end(std::string_view text, std::size_t at) const {
    if (text[at] == '\'')
      if (const std::size_t n = contraction(text.substr(at + 1)); n > 0) return at + 1 + n;
    std::size_t bytes = 0;
    const Kind kind = kind_at(text, at, bytes);
    const std::size_t after_space = text[at] == ' ' ? at + 1 : at;
    std::size_t next_bytes = 0;

    if (kind == Kind::letter) return run_end(text, at, Kind::letter);
    const bool prefix = any_prefix ? kind != Kind::number && !is_line_end(text[at]) : text[at] == ' ';
    if (prefix && kind_at(text, at + bytes, next_bytes) == Kind::letter) return run_end(text, at + bytes, Kind::letter);

    if (digits == 0) {
      if (kind_at(text, after_space, next_bytes) == Kind::number) return run_end(text, after_space, Kind::number);
    } else if (kind == Kind::number) {
      std::size_t end = at + bytes;
      for (int i = 1; i < digits && kind_at(text, end, bytes) == Kind::number; ++i) end += bytes;
      return end;
    }

    if (kind_at(text, after_space, next_bytes) == Kind::other) {
      std::size_t end = run_end(text, after_space, Kind::other);
      while (line_ends && end < text.size() && is_line_end(text[end])) ++end;
      return end;
    }
    return white_space_end(text, at);
  }

 private:
  enum class Kind : unsigned char { letter, number, space, other, end };

  static Kind kind_of(char32_t c) {
    return is_letter(c) ? Kind::letter : is_number(c) ? Kind::number : is_white_space(c) ? Kind::space : Kind::other;
  }
  static Kind kind_at(std::string_view text, std::size_t at, std::size_t& bytes) {
    static const std::array<Kind, 128> ascii = [] {
      std::array<Kind, 128> kinds{};
      for (char32_t c = 0; c < 128; ++c) kinds[c] = kind_of(c);
      return kinds;
    }();
    bytes = 1;
    if (at >= text.size()) return Kind::end;
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 128) return ascii[byte];
    const CodePoint c = decode_utf8(text, at);
    bytes = c.bytes;
    return kind_of(c.value);
  }
  static std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
    std::size_t bytes = 0;
    while (kind_at(text, at, bytes) == kind) at += bytes;
    return at;
  }
  static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

  /// Bytes of "s", "t", "re", "ve", "m", "ll" or "d" that text begins with.
  std::size_t contraction(std::string_view text) const {
    const auto letter = [&](std::size_t i) -> char {
      if (i >= text.size()) return '\0';
      return any_case && text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 0x20) : text[i];
    };
    const char a = letter(0), b = letter(1);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 1;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 2;
    return any_case && text.starts_with("\u017F") ? 2 : 0;  // the long s, whose upper case is S
  }

  std::size_t white_space_end(std::string_view text, std::size_t at) const {
    std::size_t end = at, last = at, line_end = at, bytes = 0;  // last: where the last character begins
    while (kind_at(text, end, bytes) == Kind::space) {
      last = end;
      end += bytes;
      if (is_line_end(text[last])) line_end = end;
    }
    if (whole_end && end == text.size()) return end;
    if (line_ends && line_end > at) return line_end;
    return end < text.size() && last > at ? last : end;  // the last goes with what follows
  }
};

inline const WordScanner* WordScanner::find(std::string_view regex_or_name) {
  static constexpr WordScanner known[] = {
      // GPT-2, RoBERTa, BART; then as newer files and tiktoken write it
      {.name = "gpt2", .regex = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
      {.name = "gpt2 (grouped)", .regex = R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
      {.name = "r50k_base",
       .regex = R"('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s)"},
      {.name = "llama3",
       .regex = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
                R"(\s*[\r\n]+|\s+(?!\S)|\s+)",
       .any_case = true,
       .any_prefix = true,
       .digits = 3,
       .line_ends = true},
      {.name = "qwen2",  // and 2.5 and 3
       .regex = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
                R"(\s*[\r\n]+|\s+(?!\S)|\s+)",
       .any_case = true,
       .any_prefix = true,
       .digits = 1,
       .line_ends = true},
      {.name = "cl100k_base",
       .regex = R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|)"
                R"(\s*[\r\n]|\s+(?!\S)|\s)",
       .any_case = true,
       .any_prefix = true,
       .digits = 3,
       .line_ends = true,
       .whole_end = true},
  };
  for (const WordScanner& scanner : known)
    if (scanner.regex == regex_or_name || scanner.name == regex_or_name) return &scanner;
  return nullptr;
}

}  // namespace gloss::inline GLOSS_ABI::text
