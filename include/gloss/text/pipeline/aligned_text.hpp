// Text on its way to tokens, which remembers where in the given text it comes from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// The bytes [begin, end) of a text.
struct Span {
  std::uint32_t begin = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

/// A text that normalizers and pre-tokenizers rewrite. Bytes that are no UTF-8 stay what they are.
class AlignedText {
 public:
  AlignedText() = default;
  /// A part of the given text, at its byte `start`. Origins are kept only if asked for.
  AlignedText(std::string_view part, std::size_t start, bool with_origins)
      : text_(part), start_(static_cast<std::uint32_t>(start)), with_origins_(with_origins) {}

  /// The text as it is by now, and stretches of it.
  std::string_view text() const { return text_; }
  std::string_view text(Span span) const { return text().substr(span.begin, span.end - span.begin); }
  Span all() const { return {0, static_cast<std::uint32_t>(text_.size())}; }
  /// Where in the given text it was taken from.
  std::size_t start() const { return start_; }
  /// Has it no character beyond U+007F?
  bool is_ascii() const {
    bool ascii = true;
    for (const char c : text_) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    return ascii;
  }

  /// What of the given text a stretch comes from, whole characters; only if asked for.
  Span origin(Span span) const {
    if (span.begin == span.end) return {start_, start_};
    if (!origins_.empty()) return {origins_[span.begin].begin, origins_[span.end - 1].end};
    for (int i = 0; i < 3 && span.begin > 0 && continues(span.begin); ++i) --span.begin;
    for (int i = 0; i < 3 && span.end < text_.size() && continues(span.end); ++i) ++span.end;
    return {start_ + span.begin, start_ + span.end};
  }

  /// A stretch of it as a text of its own.
  AlignedText part(Span span) const {
    AlignedText part(text(span), start_ + span.begin, with_origins_);
    if (origins_.empty()) return part;
    part.origins_.assign(origins_.begin() + span.begin, origins_.begin() + span.end);
    part.start_ = part.origins_.empty() ? start_ : part.origins_.front().begin;
    return part;
  }

  /// Calls f(character, where it lies in text()) for each.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t at = 0; at < text_.size();) {
      const CodePoint c = decode_utf8(text_, at);
      f(c.value, Span{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + c.bytes)});
      at += c.bytes;
    }
  }

  /// Makes a new text in place of this one: f(put) calls put(character, origin) for each character of the new text,
  /// which returns how many bytes it has by then.
  template <class F>
  void rebuild(F&& f) {
    AlignedText built({}, start_, with_origins_);
    built.text_.reserve(text_.size() + 8);
    f([&](char32_t c, Span from) { return built.put(c, from); });
    *this = std::move(built);
  }

  /// A character of a new text, and how many characters of the old one it takes; 0 if it comes with the one before.
  struct Taking {
    char32_t c;
    std::size_t takes;
  };
  /// Makes a new text whose characters come from the old ones in their order: each from the first that it takes.
  void replace(const std::vector<Taking>& characters) {
    std::vector<Span> origins;
    for_each([&](char32_t, Span at) { origins.push_back(origin_of_character(at)); });
    rebuild([&](auto&& put) {
      std::size_t next = 0;
      for (const Taking& t : characters) {
        put(t.c, origins[t.takes > 0 || next == 0 ? next : next - 1]);
        next += t.takes;
      }
    });
  }

  /// Replaces each character: f(c, put) calls put(d) for each that stands in its place.
  template <class F>
  void rewrite(F&& f) {
    rebuild([&](auto&& put) {
      for_each([&](char32_t c, Span at) {
        const Span from = origin_of_character(at);
        f(c, [&](char32_t d) { put(d, from); });
      });
    });
  }

  /// The origin of one whole character, or nothing if origins are not kept.
  Span origin_of_character(Span at) const {
    if (!with_origins_) return {};
    return origins_.empty() ? Span{start_ + at.begin, start_ + at.end} : origins_[at.begin];
  }

 private:
  bool continues(std::size_t at) const { return (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80; }
  std::uint32_t put(char32_t c, Span from) {
    if (c < invalid_byte)
      append_utf8(text_, c);
    else
      text_ += static_cast<char>(static_cast<unsigned char>(c - invalid_byte));
    if (with_origins_) origins_.resize(text_.size(), from);
    return static_cast<std::uint32_t>(text_.size());
  }

  std::string text_;
  std::vector<Span> origins_;  // of each byte; none while the text is as it was given
  std::uint32_t start_ = 0;
  bool with_origins_ = false;
};

/// Calls f(character) for each of a text, ill-formed bytes included.
template <class F>
void for_each_character(std::string_view text, F&& f) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    f(c.value);
    at += c.bytes;
  }
}

}  // namespace gloss::inline GLOSS_ABI::text
