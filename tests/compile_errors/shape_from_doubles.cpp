// Sizes computed in floating point.
// expect gcc: no known conversion for argument 1 from 'const std::vector<double>' to 'const gloss::
// expect clang: no known conversion from 'const std::vector<double>' to 'const gloss::Shape' for 1st argument
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const std::vector<double>& sizes) {
#ifdef FIXED
  zeros<float>({static_cast<Index>(sizes[0]), static_cast<Index>(sizes[1])});
#else
  zeros<float>(sizes);
#endif
}
