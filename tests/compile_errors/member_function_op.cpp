// x.softmax(-1): what computes is a free function.
// expect gcc: has no member named 'softmax'
// expect clang: no member named 'softmax'
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& x) {
#ifdef FIXED
  softmax(x, -1);
#else
  x.softmax(-1);
#endif
}
