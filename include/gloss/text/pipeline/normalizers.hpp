// Normalizers: what is done to a text before it is cut. Their names and results are those of Hugging Face's tokenizers.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/pipeline/aligned_text.hpp>
#include <gloss/text/pipeline/unicode.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// A normalizer changes a text. One after another, they are a tokenizer's first stage.
using Normalizer = std::function<void(AlignedText&)>;

/// A text to look for: a string, or at least two spaces, which is what the regular expression " {2,}" says.
struct Pattern {
  std::string literal = {};
  bool spaces = false;

  /// How many bytes of text match at `at`; 0 for none.
  std::size_t match(std::string_view text, std::size_t at) const {
    if (!spaces) return !literal.empty() && text.substr(at).starts_with(literal) ? literal.size() : 0;
    std::size_t n = 0;
    while (at + n < text.size() && text[at + n] == ' ') ++n;
    return n >= 2 ? n : 0;
  }
};

}  // namespace gloss::inline GLOSS_ABI::text

namespace gloss::inline GLOSS_ABI::text::normalizers {

struct Lowercase {
  void operator()(AlignedText& text) const {
    text.rewrite([](char32_t c, auto&& put) { lower_case(c, put); });
  }
};

/// Drops marks: \p{M}.
struct StripAccents {
  void operator()(AlignedText& text) const {
    text.rewrite([](char32_t c, auto&& put) {
      if (!is_mark(c) || detail::is_mark_after_unicode_9(c)) put(c);
    });
  }
};

/// NFC, NFD, NFKC and NFKD: decomposed, canonically or compatibly, marks in order, and for the C forms composed again.
/// Origins go by places, as in Hugging Face's: the nth character comes from the nth, whatever the order of marks, and a
/// composed one from the first of those that it takes.
struct UnicodeForm {
  bool compose = false;     ///< NFC, NFKC
  bool compatible = false;  ///< NFKD, NFKC

  void operator()(AlignedText& text) const {
    if (text.is_ascii()) return;
    bool inert = true;
    text.for_each([&](char32_t c, Span) { inert = inert && detail::is_normal_inert(c); });
    if (inert) return;
    std::vector<AlignedText::Taking> parts;
    text.for_each([&](char32_t c, Span) {
      std::size_t takes = 1;
      detail::decompose(c, compatible, [&](char32_t d) {
        parts.push_back({d, takes});
        takes = 0;
      });
    });
    sort(parts);
    if (compose) join(parts);
    text.replace(parts);
  }

 private:
  using Part = AlignedText::Taking;

  static int order(const Part& part) { return detail::combining_class(part.c); }

  static void sort(std::vector<Part>& parts) {
    for (auto at = parts.begin(); at != parts.end();) {
      const auto end = std::find_if(at, parts.end(), [](const Part& p) { return order(p) == 0; });
      std::stable_sort(at, end, [](const Part& a, const Part& b) { return order(a) < order(b); });
      at = std::find_if(end, parts.end(), [](const Part& p) { return order(p) != 0; });
    }
  }

  /// A mark goes into the last starter unless one of its class or a higher one stands between.
  static void join(std::vector<Part>& parts) {
    std::size_t n = 0, starter = parts.size();  // parts[0, n) are done
    int between = -1;                           // highest class since the starter; -1 when nothing stands there
    for (const Part part : parts) {
      const char32_t joined = starter < n && between < order(part) ? detail::composed(parts[starter].c, part.c) : 0;
      if (joined != 0) {
        parts[starter].c = joined;
        parts[starter].takes += part.takes;
        continue;
      }
      if (order(part) == 0) {
        starter = n;
        between = -1;
      } else {
        between = order(part);
      }
      parts[n++] = part;
    }
    parts.resize(n);
  }
};

/// BERT's: controls dropped and white space made spaces, spaces around Chinese characters, accents dropped, lower case.
struct BertNormalizer {
  bool clean_text = true, handle_chinese_chars = true, strip_accents = true, lowercase = true;

  void operator()(AlignedText& text) const {
    if (text.is_ascii()) {
      text.rewrite([&](char32_t c, auto&& put) {
        if (clean_text && !clean(c)) return;
        put(lowercase && c >= 'A' && c <= 'Z' ? c + 0x20 : c);
      });
      return;
    }
    if (clean_text || handle_chinese_chars)
      text.rewrite([&](char32_t c, auto&& put) {
        if (clean_text && !clean(c)) return;
        const bool spaced = handle_chinese_chars && is_chinese(c);
        if (spaced) put(' ');
        put(c);
        if (spaced) put(' ');
      });
    if (strip_accents) UnicodeForm{}(text);
    if (strip_accents || lowercase)
      text.rewrite([&](char32_t c, auto&& put) {
        if (strip_accents && is_bert_accent(c)) return;
        if (lowercase)
          lower_case(c, put);
        else
          put(c);
      });
  }

 private:
  static bool is_chinese(char32_t c) {
    const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
    return in(0x4E00, 0x9FFF) || in(0x3400, 0x4DBF) || in(0x20000, 0x2A6DF) || in(0x2A700, 0x2B73F) ||
           in(0x2B740, 0x2B81F) || in(0x2B920, 0x2CEAF) || in(0xF900, 0xFAFF) || in(0x2F800, 0x2FA1F);
  }
  /// Makes white space a space; false for what is dropped.
  static bool clean(char32_t& c) {
    if (c > ' ' && c < 0x7F) return true;
    const bool space = is_white_space(c) && c != '\v' && c != '\f' && c != 0x85;
    if (!space && (c == 0 || c == 0xFFFD || c >= invalid_byte || is_bert_control(c))) return false;
    if (space) c = ' ';
    return true;
  }
};

struct Prepend {
  std::string text;

  void operator()(AlignedText& to) const {
    if (to.text().empty()) return;
    to.rebuild([&](auto&& put) {
      bool first = true;
      to.for_each([&](char32_t c, Span at) {
        const Span from = to.origin_of_character(at);
        if (first) for_each_character(text, [&](char32_t d) { put(d, from); });
        first = false;
        put(c, from);
      });
    });
  }
};

/// Each match becomes the content, which comes from the last character of the match.
struct Replace {
  Pattern pattern;
  std::string content;

  void operator()(AlignedText& in) const {
    const std::string_view text = in.text();
    std::size_t first = 0;
    while (first < text.size() && pattern.match(text, first) == 0) ++first;
    if (first == text.size()) return;
    in.rebuild([&](auto&& put) {
      for (std::size_t at = 0; at < text.size();) {
        const auto character = [&](std::size_t begin, std::size_t end) {
          return in.origin_of_character({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
        };
        if (const std::size_t length = pattern.match(text, at); length > 0) {
          std::size_t last = at + length - 1;
          while (last > at && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
          const Span from = character(last, at + length);
          for_each_character(content, [&](char32_t d) { put(d, from); });
          at += length;
        } else {
          const CodePoint c = decode_utf8(text, at);
          put(c.value, character(at, at + c.bytes));
          at += c.bytes;
        }
      }
    });
  }
};

/// White space at the ends.
struct Strip {
  bool left = true, right = true;

  void operator()(AlignedText& text) const {
    bool any = false;
    Span kept;
    text.for_each([&](char32_t c, Span at) {
      if (is_white_space(c)) return;
      if (!any) kept.begin = at.begin;
      kept.end = at.end;
      any = true;
    });
    if (!any) kept.begin = kept.end = left ? text.all().end : 0;
    if (!left) kept.begin = 0;
    if (!right) kept.end = text.all().end;
    if (kept == text.all()) return;
    text.rebuild([&](auto&& put) {
      text.for_each([&](char32_t c, Span at) {
        if (at.begin >= kept.begin && at.end <= kept.end) put(c, text.origin_of_character(at));
      });
    });
  }
};

/// SentencePiece's "nmt": controls dropped, other spaces made spaces.
struct Nmt {
  void operator()(AlignedText& text) const {
    text.rewrite([](char32_t c, auto&& put) {
      const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
      if (in(1, 8) || c == 0x0B || in(0x0E, 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F) return;
      const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || in(0x200B, 0x200F) ||
                         c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
      put(space ? U' ' : c);
    });
  }
};

}  // namespace gloss::inline GLOSS_ABI::text::normalizers
