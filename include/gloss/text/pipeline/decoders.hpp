// Decoders: tokens back to text. Their names and results are those of Hugging Face's tokenizers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/text/pipeline/byte_level.hpp>
#include <gloss/text/pipeline/normalizers.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// A decoder changes a list of tokens; what the last one leaves is joined to the text.
using Decoder = std::function<void(std::vector<std::string>&)>;

/// The text with U+FFFD for each ill-formed part: the longest beginning of a character, or one byte.
inline std::string repair_utf8(std::string_view text) {
  std::string repaired;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.value < invalid_byte) {
      repaired.append(text.substr(at, c.bytes));
      at += c.bytes;
      continue;
    }
    append_utf8(repaired, 0xFFFD);
    const auto byte = [&](std::size_t i) {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
    };
    const unsigned lead = byte(0), second = byte(1);
    const unsigned least = lead == 0xE0   ? 0xA0
                           : lead == 0xF0 ? 0x90
                                          : 0x80,
                   most = lead == 0xED   ? 0x9F
                          : lead == 0xF4 ? 0x8F
                                         : 0xBF;
    std::size_t length = 1;
    if (lead >= 0xE0 && lead <= 0xF4 && second >= least && second <= most)
      length = lead >= 0xF0 && (byte(2) & 0xC0) == 0x80 ? 3 : 2;
    at += length;
  }
  return repaired;
}

}  // namespace gloss::inline GLOSS_ABI::text

namespace gloss::inline GLOSS_ABI::text::detail {

/// Replaces each stretch `from`, from left to right.
inline void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  if (done > 0) text = out.append(text, done);
}

}  // namespace gloss::inline GLOSS_ABI::text::detail

namespace gloss::inline GLOSS_ABI::text::decoders {

/// All tokens become one.
struct Fuse {
  void operator()(std::vector<std::string>& tokens) const {
    std::string all;
    for (const std::string& token : tokens) all += token;
    tokens = {std::move(all)};
  }
};

/// GPT-2's alphabet back to bytes; a token that is not spelled in it stays.
struct ByteLevel {
  void operator()(std::vector<std::string>& tokens) const {
    std::string bytes;
    for (const std::string& token : tokens) bytes += detail::byte_level_bytes(token).value_or(token);
    tokens = {repair_utf8(bytes)};
  }
};

/// Tokens are parted by spaces, but those that continue a word; with cleanup, no space stays before punctuation and
/// English contractions.
struct WordPiece {
  std::string prefix = "##";
  bool cleanup = true;

  void operator()(std::vector<std::string>& tokens) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      if (i > 0) {
        if (token.starts_with(prefix))
          token.erase(0, prefix.size());
        else
          token.insert(0, " ");
      }
      if (cleanup) clean_up(token);
    }
  }

 private:
  static void clean_up(std::string& text) {
    static constexpr std::pair<std::string_view, std::string_view> changes[] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : changes) detail::replace_all(text, from, to);
  }
};

/// U+2581 becomes a space, in the first token nothing if one was put before the text.
struct Metaspace {
  char32_t replacement = 0x2581;
  bool prepended = true;

  void operator()(std::vector<std::string>& tokens) const {
    bool first = true;
    for (std::string& token : tokens) {
      std::string text;
      for_each_character(token, [&](char32_t c) {
        if (c != replacement)
          append_utf8(text, c);
        else if (!first || !prepended)
          text += ' ';
      });
      token = std::move(text);
      first = false;
    }
  }
};

struct Replace {
  Pattern pattern;
  std::string content;

  void operator()(std::vector<std::string>& tokens) const {
    for (std::string& token : tokens) {
      std::string text;
      for (std::size_t at = 0; at < token.size();) {
        const std::size_t length = pattern.match(token, at);
        if (length == 0)
          text += token[at++];
        else
          text += content, at += length;
      }
      token = std::move(text);
    }
  }
};

/// Tokens "<0x41>" in a row become the text that their bytes are, or as many U+FFFD if it is none.
struct ByteFallback {
  void operator()(std::vector<std::string>& tokens) const {
    std::vector<std::string> result;
    std::string bytes;
    const auto end_bytes = [&] {
      if (!bytes.empty() && find_ill_formed_utf8(bytes) == std::string_view::npos)
        result.push_back(bytes);
      else
        for (std::size_t i = 0; i < bytes.size(); ++i) result.emplace_back("\uFFFD");
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const auto byte = byte_of(token)) {
        bytes += *byte;
      } else {
        end_bytes();
        result.push_back(std::move(token));
      }
    }
    end_bytes();
    tokens = std::move(result);
  }

 private:
  /// The byte that "<0x41>" names.
  static std::optional<char> byte_of(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
    int value = 0;
    for (const char c : token.substr(3, 2)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      value = 16 * value + digit;
    }
    return static_cast<char>(static_cast<unsigned char>(value));
  }
};

/// Up to `start` of a character at the beginning of each token, up to `stop` at its end.
struct Strip {
  std::string content = " ";
  Index start = 0, stop = 0;

  void operator()(std::vector<std::string>& tokens) const {
    for (std::string& token : tokens) {
      std::string_view left = token;
      for (Index i = 0; i < start && left.starts_with(content); ++i) left.remove_prefix(content.size());
      for (Index i = 0; i < stop && left.ends_with(content); ++i) left.remove_suffix(content.size());
      token = std::string(left);
    }
  }
};

/// A suffix that ends words becomes a space, and nothing in the last token.
struct BpeDecoder {
  std::string suffix = "</w>";

  void operator()(std::vector<std::string>& tokens) const {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      detail::replace_all(tokens[i], suffix, i + 1 < tokens.size() ? " " : "");
  }
};

}  // namespace gloss::inline GLOSS_ABI::text::decoders
