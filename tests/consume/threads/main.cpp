// Prints what its loops run on, as the package that it was built with has it.
#include <cstdio>

#include <gloss/core/parallel_for.hpp>

int main() {
#if defined(GLOSS_THREADS_SERIAL)
  const char* const kind = "serial";
#elif defined(GLOSS_THREADS_OPENMP)
  const char* const kind = "openmp";
#else
  const char* const kind = "pool";
#endif
  std::printf("%s %d\n", kind, gloss::openmp_version > 0);
}
