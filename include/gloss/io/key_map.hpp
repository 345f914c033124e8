// Key rules: how the names and layouts of somebody else's file become those of a model here, and the other way round.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// What else than the name differs.
enum class KeyLayout {
  same,
  transposed,  // a matrix [in, out] where ours is [out, in], as GPT-2's
};

/// One rule. In a name `*` stands for anything without a dot and `**` for anything; what they stand for in theirs takes
/// the place of those in ours, in order. Several theirs make one of ours, one below the other along the first
/// axis (of ours, where the layout is transposed); one of theirs may be cut into several of ours, equally large or by
/// `shares`, as {9, 3, 3} for the queries, keys and values of 9 and 3 heads; without ours it is not wanted.
struct KeyRule {
  std::vector<std::string> theirs;
  std::vector<std::string> ours;
  KeyLayout layout = KeyLayout::same;
  std::vector<std::size_t> shares = {};
};

/// Where one tensor of a model comes from.
struct KeySource {
  std::string ours;
  std::vector<std::string> theirs;  // several are joined; all are named, whether they are there or not
  KeyLayout layout = KeyLayout::same;
  std::size_t part = 0, parts = 1, taken = 1;  // of the one of theirs: the first part, of how many, how many of them
};

namespace detail {
using Captures = std::vector<std::string_view>;

/// Whether a name fits a pattern; what its stars stand for.
inline bool match_key(std::string_view pattern, std::string_view name, Captures& captures) {
  const std::size_t star = (std::min)(pattern.find('*'), pattern.size());
  if (!name.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star);
  name.remove_prefix(star);
  if (pattern.empty()) return name.empty();
  const bool dots = pattern.starts_with("**");
  for (std::size_t n = 1; n <= name.size() && (dots || name[n - 1] != '.'); ++n) {
    captures.push_back(name.substr(0, n));
    const std::size_t depth = captures.size();
    if (match_key(pattern.substr(dots ? 2 : 1), name.substr(n), captures)) return true;
    captures.resize(depth - 1);
  }
  return false;
}

/// A pattern with something in the place of its stars.
inline std::string fill_key(std::string_view pattern, const Captures& captures) {
  std::string name;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '*') {
      name += pattern[i];
      continue;
    }
    if (pattern.substr(i, 2) == "**") ++i;
    if (next == captures.size()) fail("KeyRule: '", pattern, "' has more stars than the other side of its rule");
    name += captures[next++];
  }
  return name;
}
}  // namespace detail

/// The rules of one kind of file. The first that fits a name counts; a name that none fits stays as it is.
struct KeyMap {
  std::vector<KeyRule> rules;
  std::string optional_prefix = "";  // of theirs: names that begin so in the rules may stand in the file without it

  /// The tensors that a file with these names holds for a model.
  /// Errors: Error for a rule that joins and cuts, has more stars in ours than in theirs, or not a share for each part.
  GLOSS_COLD std::vector<KeySource> sources(const std::vector<std::string>& names) const {
    std::vector<KeySource> out;
    std::vector<std::pair<const KeyRule*, std::size_t>> joined;  // rule and place in out of what is joined
    for (const std::string& name : names) {
      detail::Captures captures;
      std::size_t at = 0, skipped = 0;
      const KeyRule* const rule = find(name, captures, at, skipped);
      if (!rule) {
        out.push_back({name, {name}});
      } else if (rule->theirs.size() == 1) {
        const std::size_t n = rule->ours.size();
        std::vector<std::size_t> shares = rule->shares;
        if (shares.empty()) shares.assign(n, 1);
        if (shares.size() != n || std::find(shares.begin(), shares.end(), std::size_t{0}) != shares.end())
          fail("KeyRule: '", rule->theirs[0], "' is cut into ", n, " without a share above 0 for each");
        std::size_t parts = 0, part = 0;
        for (const std::size_t share : shares) parts += share;
        for (std::size_t i = 0; i < n; part += shares[i++])
          out.push_back({detail::fill_key(rule->ours[i], captures), {name}, rule->layout, part, parts, shares[i]});
      } else if (!rule->ours.empty()) {
        if (rule->ours.size() > 1) fail("KeyRule: '", rule->theirs[0], "' and others are joined and cut at once");
        const std::string ours = detail::fill_key(rule->ours[0], captures);
        KeySource* place = nullptr;
        for (const auto& [its_rule, i] : joined)
          if (its_rule == rule && out[i].ours == ours) place = &out[i];
        if (!place) {
          joined.emplace_back(rule, out.size());
          place = &out.emplace_back(KeySource{ours, {}, rule->layout});
          for (const std::string& pattern : rule->theirs)
            place->theirs.push_back(
                detail::fill_key(pattern.starts_with(optional_prefix) ? pattern.substr(skipped) : pattern, captures));
        }
        place->theirs[at] = name;
      }
    }
    return out;
  }

  /// The other way round: for a model with these names, which of its tensors make one of theirs. In what is returned
  /// `ours` is the name in the file, and `theirs` are the model's.
  GLOSS_COLD std::vector<KeySource> targets(const std::vector<std::string>& names) const {
    KeyMap turned;
    for (const KeyRule& rule : rules)
      if (!rule.ours.empty()) turned.rules.push_back({rule.ours, rule.theirs, rule.layout, rule.shares});
    return turned.sources(names);
  }

 private:
  // The rule for a name, which of its patterns fits, and how much of it the name goes without.
  const KeyRule* find(std::string_view name, detail::Captures& captures, std::size_t& at, std::size_t& skipped) const {
    for (const KeyRule& rule : rules)
      for (at = 0; at < rule.theirs.size(); ++at) {
        const std::string_view pattern = rule.theirs[at];
        for (const std::size_t skip : {std::size_t{0}, optional_prefix.size()}) {
          if (!pattern.starts_with(std::string_view(optional_prefix).substr(0, skip))) continue;
          captures.clear();
          skipped = skip;
          if (detail::match_key(pattern.substr(skip), name, captures)) return &rule;
        }
      }
    return nullptr;
  }
};

}  // namespace gloss::inline GLOSS_ABI::io
