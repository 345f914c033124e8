// Freezing: parameters that take no part in training, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gloss/core/nearest.hpp>
#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Whether a text is like a pattern, in which * stands for any text, dots included, and ? for one character.
GLOSS_LAZY bool matches_pattern(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

namespace detail {
/// Errors: Error that says so, with the nearest name of a parameter or module.
template <Real T>
[[noreturn]] GLOSS_COLD void fail_unmatched(const char* what, std::string_view pattern, const Module<T>& model) {
  std::vector<std::string> names;
  for_each_tensor(const_cast<Module<T>&>(model),
                  [&](const std::string& name, Parameter<T>&) { names.push_back(name); });
  for (const auto& [name, module] : model.named_modules()) names.push_back(name);
  const std::string nearest = nearest_name(pattern, names);
  if (nearest.empty()) fail(what, ": no parameter of the model matches '", pattern, "'");
  fail(what, ": no parameter of the model matches '", pattern, "'; the nearest name is '", nearest, "'");
}
template <Real T>
Index set_requires_grad(const char* what, Module<T>& model, std::string_view pattern, bool on) {
  Index found = 0;
  const std::string within = std::string(pattern) + ".*";
  for_each_tensor(model, [&](const std::string& name, Parameter<T>& p) {
    if (!matches_pattern(name, pattern) && !matches_pattern(name, within)) return;
    p.requires_grad_(on);
    ++found;
  });
  if (found == 0) fail_unmatched(what, pattern, model);
  return found;
}
}  // namespace detail

/// Takes parameters out of training: those of this name, those within the module of this name, or those that match a
/// pattern with * and ?. They get no gradient, and optimizers pass them over. Returns how many there are.
///   nn::freeze(model, "encoder");  nn::freeze(model, "*.bias");
/// Errors: Error when nothing matches, with the nearest name.
/// PyTorch: p.requires_grad = False
template <Real T>
Index freeze(Module<T>& model, std::string_view pattern) {
  return detail::set_requires_grad("freeze", model, pattern, false);
}
/// The opposite. Errors: as freeze.
template <Real T>
Index unfreeze(Module<T>& model, std::string_view pattern) {
  return detail::set_requires_grad("unfreeze", model, pattern, true);
}

}  // namespace gloss::inline GLOSS_ABI::nn
