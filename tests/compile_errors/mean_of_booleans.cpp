// where of a bool tensor used as number.
// expect: deleted
// expect: wants float or double: mean(cast<float>(x))
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<bool>& mask) {
#ifdef FIXED
  mean(cast<float>(mask));
#else
  mean(mask);
#endif
}
