// Tensor without an element type.
// expect: deleted
// expect: name the element type: randn<float>({2, 3})
#include <gloss/gloss.hpp>

using namespace gloss;

void use() {
#ifdef FIXED
  Tensor<float> x = randn<float>({2, 3});
#else
  Tensor x = randn({2, 3});
#endif
}
