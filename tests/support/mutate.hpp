// Damaged copies of a valid file: a reader must refuse them politely or read them, and do nothing else.
#pragma once

#include <string>

#include <gloss/core/rng.hpp>

/// `text` with one to eight random edits: a byte set, a bit flipped, a stretch removed, doubled or overwritten by
/// another.
inline std::string mutate(std::string text, gloss::Rng& rng) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(rng.below(static_cast<std::uint32_t>(n))); };
  for (std::size_t edits = 1 + below(8); edits > 0; --edits) {
    if (text.empty()) return text;
    const std::size_t at = below(text.size()), length = 1 + below(16);
    switch (rng.below(6)) {
      case 0:
        text[at] = static_cast<char>(rng.below(256));
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << rng.below(8)));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), length));
        break;
      case 4:
        text.replace(at, length, text.substr(below(text.size()), length));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}
