// How much memory the program has had at most.
#pragma once

#include <cstddef>

#if !defined(_WIN32)
#include <sys/resource.h>
#endif

namespace gloss_test {

/// Bytes; 0 where the system does not say.
inline std::size_t peak_memory() {
#if defined(_WIN32)
  return 0;
#else
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
  return static_cast<std::size_t>(usage.ru_maxrss);
#else
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
#endif
#endif
}

}  // namespace gloss_test
