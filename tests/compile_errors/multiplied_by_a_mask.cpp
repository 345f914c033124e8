// A mask of booleans times numbers, which PyTorch promotes.
// expect: deleted
// expect: the element types differ: a * cast<float>(b)
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& x, const Tensor<bool>& mask) {
#ifdef FIXED
  x* cast<float>(mask);
#else
  x* mask;
#endif
}
