// Tensors of different element types do not add: nothing is converted silently.
// expect: deleted
// expect: the element types differ: a + cast<float>(b)
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& a, const Tensor<double>& b) {
#ifdef FIXED
  a + cast<float>(b);
#else
  a + b;
#endif
}
