// How much memory the process has had at most, for the benchmarks of memory.
#pragma once

#include <sys/resource.h>

/// MB = 10^6 bytes.
inline double peak_resident() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return static_cast<double>(usage.ru_maxrss) / 1e6;
#else
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
#endif
}
