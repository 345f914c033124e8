// Added tokens: strings that are tokens wherever they stand, found before a text is cut.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/text/pipeline/aligned_text.hpp>
#include <gloss/text/pipeline/trie.hpp>
#include <gloss/text/pipeline/unicode.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// Python: tokenizers.AddedToken
struct AddedToken {
  std::string content;
  Index id = 0;
  bool single_word = false;  ///< not inside a word
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< and after it
  bool normalized = true;    ///< is looked for in the normalized text
  bool special = false;      ///< is left out when ids are decoded
  bool in_text = true;       ///< is looked for in texts at all
};

namespace detail {

/// Finds added tokens in a text, leftmost first and of those at one place the longest.
class AddedTokenFinder {
 public:
  /// `content` is what to look for: the token's, or that normalized.
  void add(const AddedToken& token, std::string_view content) {
    if (content.empty() || !token.in_text) return;
    trie_.insert(content, static_cast<Index>(tokens_.size()));
    tokens_.push_back(token);
    begins_[static_cast<unsigned char>(content[0])] = true;
  }

  bool empty() const { return tokens_.empty(); }
  /// Calls f(token or nullptr, span) for the stretches of a text, which follow each other.
  template <class F>
  void for_each_part(std::string_view text, F&& f) const {
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size() && !tokens_.empty();) {
      if (!begins_[static_cast<unsigned char>(text[at])]) {
        ++at;
        continue;
      }
      const auto [number, length] = trie_.longest(text.substr(at));
      if (number < 0) {
        ++at;
        continue;
      }
      const AddedToken& token = tokens_[static_cast<std::size_t>(number)];
      std::size_t begin = at, end = at + length;
      at = end;
      if (token.single_word && (word_before(text, begin) || word_at(text, end))) continue;
      if (token.lstrip) begin = (std::max)(done, spaces_before(text, begin));
      if (token.rstrip) end = spaces_after(text, end);
      if (begin < done) continue;
      if (done < begin) f(nullptr, span(done, begin));
      f(&token, span(begin, end));
      done = end;
      at = (std::max)(at, end);
    }
    if (done < text.size()) f(nullptr, span(done, text.size()));
  }

 private:
  static Span span(std::size_t begin, std::size_t end) {
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }
  static bool word_at(std::string_view text, std::size_t at) {
    return at < text.size() && is_word(decode_utf8(text, at).value);
  }
  static std::size_t character_before(std::string_view text, std::size_t at) {
    const std::size_t end = at--;
    while (at > 0 && end - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    return at;
  }
  static bool word_before(std::string_view text, std::size_t at) {
    return at > 0 && word_at(text, character_before(text, at));
  }
  static std::size_t spaces_before(std::string_view text, std::size_t at) {
    while (at > 0) {
      const std::size_t before = character_before(text, at);
      if (!is_white_space(decode_utf8(text, before).value)) break;
      at = before;
    }
    return at;
  }
  static std::size_t spaces_after(std::string_view text, std::size_t at) {
    while (at < text.size()) {
      const CodePoint c = decode_utf8(text, at);
      if (!is_white_space(c.value)) break;
      at += c.bytes;
    }
    return at;
  }

  std::vector<AddedToken> tokens_;
  Trie trie_;
  std::array<bool, 256> begins_{};
};

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
