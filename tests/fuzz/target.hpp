// A fuzz target defines gloss_fuzz::run. Linked with libFuzzer it is fuzzed; with replay.cpp it runs files.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace gloss_fuzz {

/// Reads these bytes as a file or a pattern. What is wrong with them is found and thrown as gloss::Error, which run
/// catches; anything else is a defect.
void run(std::string_view bytes);

/// What must hold for whatever is read.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// f(), which must hold and throw nothing: what was accepted can be used, and what is written is read again.
template <class F>
void require_of(F f) noexcept {
  require(f());
}

}  // namespace gloss_fuzz
