// Sentence pairs from whatever file the user has.
#pragma once

#include <gloss/data/pairs/mo.hpp>
#include <gloss/data/pairs/po.hpp>
#include <gloss/data/pairs/tsv.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Pairs from a file, its format told by the extension: .po and .mo (or .gmo) are gettext catalogues, anything else is
/// tab-separated text.
/// Errors: LoadError naming file, line and cause.
GLOSS_LAZY std::vector<SentencePair> read_pairs(const std::string& path) {
  const auto ends_with = [&](std::string_view extension) {
    if (path.size() < extension.size()) return false;
    for (std::size_t i = 0; i < extension.size(); ++i) {
      const char c = path[path.size() - extension.size() + i];
      if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != extension[i]) return false;
    }
    return true;
  };
  if (ends_with(".po")) return read_po(path);
  if (ends_with(".mo") || ends_with(".gmo")) return read_mo(path);
  return read_tsv(path);
}
GLOSS_INSTANTIATE(std::vector<SentencePair> read_pairs(const std::string&))

}  // namespace gloss::inline GLOSS_ABI::data
