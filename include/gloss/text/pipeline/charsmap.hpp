// SentencePiece's precompiled normalizer: strings and what takes their place, in a double array.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/text/pipeline/aligned_text.hpp>
#include <gloss/text/pipeline/normalizers.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// The table itself: the size of an array in bytes, an array of 32-bit units (Darts-clone's), then zero-ended strings.
class Charsmap {
 public:
  /// Errors: LoadError "name: cause".
  GLOSS_COLD Charsmap(std::string_view bytes, std::string_view name) {
    const auto number = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
      return value;
    };
    const std::size_t size = bytes.size() < 4 ? 0 : number(0);
    if (bytes.size() < 8 || size < 4 || size % 4 != 0 || size > bytes.size() - 4)
      fail<LoadError>(name, ": the precompiled normalizer is damaged");
    for (std::size_t at = 4; at < 4 + size; at += 4) units_.push_back(number(at));
    strings_ = bytes.substr(4 + size);
    strings_ += '\0';
  }

  /// A replacement, and how many bytes it replaces: 0 for none.
  struct Match {
    std::string_view replacement;
    std::size_t length = 0;
  };
  /// For the longest string of the table that text begins with, or for the shortest.
  Match find(std::string_view text, bool longest) const {
    Match match;
    std::size_t at = offset(units_[0]);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      at ^= byte;
      if (byte == 0 || at >= units_.size() || (units_[at] & 0x800000FFu) != byte) break;
      const std::uint32_t unit = units_[at];
      at ^= offset(unit);
      if (at >= units_.size()) break;
      if ((unit >> 8 & 1) == 0) continue;
      const std::size_t string = units_[at] & 0x7FFFFFFFu;
      if (string >= strings_.size()) continue;
      match = {strings_.c_str() + string, i + 1};
      if (!longest) break;
    }
    return match;
  }

 private:
  static std::size_t offset(std::uint32_t unit) { return std::size_t{unit >> 10} << ((unit & 0x200u) >> 6); }

  std::vector<std::uint32_t> units_;
  std::string strings_;
};

/// Does a grapheme end between two characters?
inline bool grapheme_ends(char32_t a, char32_t b, utf8proc_int32_t& state) {
  const auto code = [](char32_t c) { return static_cast<utf8proc_int32_t>(c < invalid_byte ? c : 0xFFFD); };
  return utf8proc_grapheme_break_stateful(code(a), code(b), &state);
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::text

namespace gloss::inline GLOSS_ABI::text::normalizers {

/// The table as Hugging Face's tokenizers apply it: a grapheme of fewer than six bytes becomes what the table has for
/// the shortest of its beginnings, or else each of its characters does.
class Precompiled {
 public:
  /// Errors: LoadError "name: cause".
  Precompiled(std::string_view bytes, std::string_view name) : map_(bytes, name) {}

  void operator()(AlignedText& text) const {
    std::vector<Character> characters;
    text.for_each([&](char32_t c, Span at) { characters.push_back({c, at}); });
    std::vector<AlignedText::Taking> result;
    utf8proc_int32_t state = 0;
    for (std::size_t i = 0; i < characters.size();) {
      std::size_t end = i + 1;
      while (end < characters.size() && !detail::grapheme_ends(characters[end - 1].c, characters[end].c, state)) ++end;
      const std::span<const Character> grapheme(characters.data() + i, end - i);
      const bool is_short = grapheme.back().at.end - grapheme.front().at.begin < 6;
      if (!is_short || !replace(text, grapheme, result))
        for (std::size_t k = 0; k < grapheme.size(); ++k)
          if (!replace(text, grapheme.subspan(k, 1), result)) result.push_back({grapheme[k].c, 1});
      i = end;
    }
    text.replace(result);
  }

 private:
  struct Character {
    char32_t c;
    Span at;
  };

  /// New characters take the old ones in their order, the last takes what is left; if there is none, the one before.
  bool replace(const AlignedText& text, std::span<const Character> old,
               std::vector<AlignedText::Taking>& result) const {
    const auto match = map_.find(text.text({old.front().at.begin, old.back().at.end}), false);
    if (match.length == 0) return false;
    std::size_t left = old.size();
    for_each_character(match.replacement, [&](char32_t c) {
      result.push_back({c, left > 0 ? std::size_t{1} : 0});
      left -= result.back().takes;
    });
    if (!result.empty()) result.back().takes += left;
    return true;
  }

  detail::Charsmap map_;
};

}  // namespace gloss::inline GLOSS_ABI::text::normalizers
