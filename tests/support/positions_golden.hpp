// The golden of positions (generate_positions.py) and its cases.
#pragma once

#include <string>

#include "support/catch.hpp"
#include "support/golden.hpp"

namespace gloss_test::positions {

inline const Golden& golden() {
  static const Golden file("positions.safetensors");
  return file;
}
/// Calls check(prefix) for the cases NAME/0/, NAME/1/, ... and counts them.
template <class F>
int each_case(const std::string& name, F check) {
  int n = 0;
  for (;; ++n) {
    const std::string prefix = name + "/" + std::to_string(n) + "/";
    if (!golden().has(prefix + "output")) return n;
    INFO(prefix);
    check(prefix);
  }
}
inline gloss::Index integer(const std::string& key) { return golden().tensor<std::int64_t>(key).item(); }

}  // namespace gloss_test::positions
