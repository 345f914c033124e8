// Pre-tokenizers: cut a normalized text into pieces, which tokens never cross. Their names and results are those of
// Hugging Face's tokenizers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/pipeline/aligned_text.hpp>
#include <gloss/text/pipeline/normalizers.hpp>
#include <gloss/text/pipeline/unicode.hpp>
#include <gloss/text/pipeline/word_scanner.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// A text and the pieces of it that become tokens, none of them empty.
struct Pieces {
  AlignedText text;
  std::vector<Span> spans;

  /// Cuts each piece: f(piece, keep) calls keep(begin, end) for each part that stays.
  template <class F>
  void cut(F&& f) {
    std::vector<Span> parts;
    for (const Span& span : spans)
      f(text.text(span), [&](std::size_t begin, std::size_t end) {
        if (begin < end)
          parts.push_back(
              {span.begin + static_cast<std::uint32_t>(begin), span.begin + static_cast<std::uint32_t>(end)});
      });
    spans = std::move(parts);
  }
};

/// Cuts pieces further. One after another, they are a tokenizer's second stage.
using PreTokenizer = std::function<void(Pieces&)>;

/// What becomes of the delimiters between which a text is cut.
enum class Delimiter { removed, isolated, merged_with_previous, merged_with_next, contiguous };

namespace detail {

/// Cuts a text at its delimiters: delimiter(at, length) says whether one stands at `at`, and sets the length of it, or
/// of the character that is none.
template <class IsDelimiter, class Keep>
void cut_at(std::string_view text, Delimiter behavior, bool invert, IsDelimiter&& delimiter, Keep&& keep) {
  std::size_t begin = 0;            // of the part that is open
  bool open = false, last = false;  // is one open; was what came last a delimiter
  for (std::size_t at = 0, length = 1; at < text.size(); at += length) {
    const bool found = delimiter(at, length);
    const bool here = found != invert, same = at > 0 && here == last && !(found && behavior != Delimiter::contiguous);
    bool joins = same;  // part of the one before
    if (behavior == Delimiter::merged_with_previous) joins = same || (here && at > 0 && !last);
    if (behavior == Delimiter::merged_with_next) joins = same || (!here && at > 0 && last);
    if (!joins) {
      if (open) keep(begin, at);
      begin = at;
    }
    open = behavior != Delimiter::removed || !here;
    last = here;
  }
  if (open) keep(begin, text.size());
}

/// The same for delimiters that are single characters.
template <class IsDelimiter, class Keep>
void cut_at_characters(std::string_view text, Delimiter behavior, IsDelimiter&& delimiter, Keep&& keep) {
  cut_at(
      text, behavior, false,
      [&](std::size_t at, std::size_t& length) {
        const CodePoint c = decode_utf8(text, at);
        length = c.bytes;
        return delimiter(c.value);
      },
      keep);
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::text

namespace gloss::inline GLOSS_ABI::text::pre_tokenizers {

/// White space removed, each punctuation character a piece.
struct BertPreTokenizer {
  void operator()(Pieces& pieces) const {
    pieces.cut([](std::string_view text, auto&& keep) {
      std::size_t begin = 0;
      for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = decode_utf8(text, at);
        const bool mark = is_bert_punctuation(c.value);
        if (mark || is_white_space(c.value)) {
          keep(begin, at);
          begin = at + c.bytes;
          if (mark) keep(at, begin);
        }
        at += c.bytes;
      }
      keep(begin, text.size());
    });
  }
};

/// White space removed.
struct WhitespaceSplit {
  void operator()(Pieces& pieces) const {
    pieces.cut([](std::string_view text, auto&& keep) {
      detail::cut_at_characters(text, Delimiter::removed, is_white_space, keep);
    });
  }
};

/// White space removed, runs of word characters (\w) and of others parted.
struct Whitespace {
  void operator()(Pieces& pieces) const {
    WhitespaceSplit{}(pieces);
    pieces.cut([](std::string_view text, auto&& keep) {
      detail::cut_at_characters(text, Delimiter::contiguous, is_word, keep);
    });
  }
};

struct Punctuation {
  Delimiter behavior = Delimiter::isolated;
  void operator()(Pieces& pieces) const {
    pieces.cut([this](std::string_view text, auto&& keep) {
      detail::cut_at_characters(text, behavior, is_bert_punctuation, keep);
    });
  }
};

/// Numbers parted from the rest, each digit alone if asked for.
struct Digits {
  bool individual_digits = false;
  void operator()(Pieces& pieces) const {
    const Delimiter behavior = individual_digits ? Delimiter::isolated : Delimiter::contiguous;
    pieces.cut([&](std::string_view text, auto&& keep) { detail::cut_at_characters(text, behavior, is_number, keep); });
  }
};

struct Split {
  Pattern pattern;
  Delimiter behavior = Delimiter::isolated;
  bool invert = false;
  void operator()(Pieces& pieces) const {
    pieces.cut([this](std::string_view text, auto&& keep) {
      detail::cut_at(
          text, behavior, invert,
          [&](std::size_t at, std::size_t& length) {
            length = pattern.match(text, at);
            const bool found = length > 0;
            if (!found) length = decode_utf8(text, at).bytes;
            return found;
          },
          keep);
    });
  }
};

/// Words as a scanner cuts them.
struct SplitWords {
  WordScanner scanner;
  void operator()(Pieces& pieces) const {
    pieces.cut([this](std::string_view text, auto&& keep) {
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = scanner.piece_end(text, at);
        keep(at, end);
        at = end;
      }
    });
  }
};

/// A space before each piece that has none.
struct PrefixSpace {
  void operator()(Pieces& pieces) const {
    bool all = true;
    for (const Span& span : pieces.spans) all = all && pieces.text.text()[span.begin] == ' ';
    if (all) return;
    std::vector<Span> spans;
    const AlignedText& text = pieces.text;
    std::uint32_t size = 0;
    pieces.text.rebuild([&](auto&& put) {
      for (const Span& span : pieces.spans) {
        const std::uint32_t begin = size;
        for (std::size_t at = span.begin; at < span.end;) {
          const CodePoint c = decode_utf8(text.text(), at);
          const Span from =
              text.origin_of_character({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + c.bytes)});
          if (at == span.begin && c.value != ' ') put(' ', from);
          size = put(c.value, from);
          at += c.bytes;
        }
        spans.push_back({begin, size});
      }
    });
    pieces.spans = std::move(spans);
  }
};

/// SentencePiece's spaces: each becomes U+2581, one is put before the text, and pieces begin with them.
struct Metaspace {
  enum class Prepend { always, first, never };

  char32_t replacement = 0x2581;
  Prepend prepend = Prepend::always;
  bool split = true;

  void operator()(Pieces& pieces) const {
    std::vector<Span> spans;
    const AlignedText& text = pieces.text;
    std::uint32_t size = 0;
    pieces.text.rebuild([&](auto&& put) {
      for (const Span& span : pieces.spans) {
        const bool first = span.begin == 0 && text.start() == 0;
        const bool wanted = prepend == Prepend::always || (prepend == Prepend::first && first);
        std::uint32_t begin = size;
        for (std::size_t at = span.begin; at < span.end;) {
          const CodePoint c = decode_utf8(text.text(), at);
          const Span from =
              text.origin_of_character({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + c.bytes)});
          const char32_t value = c.value == ' ' ? replacement : c.value;
          if (at == span.begin && wanted && value != replacement) size = put(replacement, from);
          if (value == replacement && split && size > begin) {
            spans.push_back({begin, size});
            begin = size;
          }
          size = put(value, from);
          at += c.bytes;
        }
        spans.push_back({begin, size});
      }
    });
    pieces.spans = std::move(spans);
  }
};

}  // namespace gloss::inline GLOSS_ABI::text::pre_tokenizers
