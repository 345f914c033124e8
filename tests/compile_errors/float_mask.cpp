// A mask of numbers where booleans are wanted.
// expect: deleted
// expect: a mask is Tensor<bool>: mask == 0
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& scores, const Tensor<float>& mask) {
#ifdef FIXED
  masked_fill(scores, mask == 0, -1e9);
#else
  masked_fill(scores, mask, -1e9);
#endif
}
