// Sentence pairs from a gettext catalogue in compiled form (.mo, .gmo).
#pragma once

#include <cstdint>
#include <vector>

#include <gloss/core/looks_like.hpp>
#include <gloss/data/pairs/po.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Pairs from a compiled catalogue in memory, of either byte order; `name` stands for the file in messages. The header
/// is skipped, a context is dropped, of plural forms the singular is taken.
/// Errors: LoadError naming file, message number and cause; every offset is checked against the size of the file.
GLOSS_COLD inline std::vector<SentencePair> parse_mo(std::string_view bytes, std::string_view name) {
  const auto fail_file = [&](const auto&... cause) { fail<LoadError>("read_mo: ", name, ": ", cause...); };
  constexpr std::string_view magic = "\xde\x12\x04\x95", swapped = "\x95\x04\x12\xde";
  const bool is_big = bytes.starts_with(swapped);
  if (!is_big && !bytes.starts_with(magic)) {
    const std::string kind = looks_like(bytes);
    fail_file("not a compiled message catalogue: ", kind.empty() ? "the first four bytes are wrong" : "it " + kind);
  }
  if (bytes.size() < 28) fail_file("truncated: ", bytes.size(), " bytes, the header alone has 28");
  const auto byte = [&](std::uint64_t at) { return std::uint32_t{static_cast<unsigned char>(bytes[at])}; };
  const auto little = [&](std::uint64_t at) {
    return byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
  };
  const auto big = [&](std::uint64_t at) {
    return byte(at + 3) | byte(at + 2) << 8 | byte(at + 1) << 16 | byte(at) << 24;
  };
  const auto word = [&](std::uint64_t at) { return is_big ? big(at) : little(at); };
  if (word(4) >> 16 > 1) fail_file("unknown format revision ", word(4) >> 16);

  const std::uint64_t count = word(8), ids = word(12), translations = word(16), size = bytes.size();
  if (ids + 8 * count > size || translations + 8 * count > size)
    fail_file("truncated: a table of ", count, " messages does not fit in ", size, " bytes");
  const auto string_at = [&](std::uint64_t entry, std::uint64_t index) {
    const std::uint64_t length = word(entry), offset = word(entry + 4);
    if (offset + length + 1 > size) fail_file("message ", index + 1, " of ", count, " lies outside the file");
    if (bytes[offset + length] != '\0') fail_file("message ", index + 1, " of ", count, " does not end in a zero byte");
    return bytes.substr(offset, length);
  };

  std::vector<SentencePair> pairs;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view id = string_at(ids + 8 * i, i);
    std::string_view translation = string_at(translations + 8 * i, i);
    if (id.empty()) {
      std::string charset;
      if (!detail::has_utf8_charset(translation, charset)) fail_file("the charset is ", charset, ", expected UTF-8");
      continue;
    }
    const std::size_t context = id.find('\x04');
    if (context != std::string_view::npos) id.remove_prefix(context + 1);
    id = id.substr(0, id.find('\0'));
    translation = translation.substr(0, translation.find('\0'));
    if (id.empty() || translation.empty()) continue;
    if (text::find_ill_formed_utf8(id) != std::string_view::npos ||
        text::find_ill_formed_utf8(translation) != std::string_view::npos)
      fail_file("message ", i + 1, " of ", count, " is not UTF-8");
    pairs.push_back({std::string(id), std::string(translation)});
  }
  if (pairs.empty()) fail_file("no translated messages in the file");
  return pairs;
}

/// Pairs from a file; see parse_mo.
inline std::vector<SentencePair> read_mo(const std::string& path) { return parse_mo(read_file(path), path); }

}  // namespace gloss::inline GLOSS_ABI::data
