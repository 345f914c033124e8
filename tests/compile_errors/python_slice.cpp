// x[0, 1]: a position is a list.
// expect gcc: candidate expects 1 argument, 2 provided
// expect clang: too many arguments to function call
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& x) {
#ifdef FIXED
  x.at({0, 1});
#else
  x.at(0, 1);
#endif
}
