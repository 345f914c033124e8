// The name that was meant: for error texts about names that do not exist.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

/// How many characters must be inserted, removed or replaced to make one text the other.
/// Source: Levenshtein 1966.
GLOSS_LAZY GLOSS_COLD std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = (std::min)((std::min)(row[j], row[j + 1]) + 1, replaced);
    }
  }
  return row.back();
}

/// The candidate that takes the fewest changes to become `name`, the first of several; empty when each differs in more
/// than half of the characters of the longer one.
GLOSS_LAZY GLOSS_COLD std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t least = std::string::npos;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = (std::max)(name.size(), candidate.size()),
                      limit = (std::min)(least, longer / 2 + 1);  // to be less than
    if (longer - (std::min)(name.size(), candidate.size()) >= limit) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance >= limit) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

}  // namespace gloss::inline GLOSS_ABI
