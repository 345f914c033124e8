// A clock for progress and speed. Its own header because <chrono> is slow to compile.
#pragma once

#ifdef _WIN32
#include <chrono>
#else
#include <ctime>
#endif

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

/// Seconds on a clock that never goes back; only differences mean anything.
inline double monotonic_seconds() {
#ifdef _WIN32
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#else
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
#endif
}

}  // namespace gloss::inline GLOSS_ABI
