// torch.zeros(2, 3) again: the sizes are one list.
// expect: deleted
// expect: sizes are one list: zeros<float>({2, 3})
#include <gloss/gloss.hpp>

using namespace gloss;

void use() {
#ifdef FIXED
  const Tensor<float> x = zeros<float>({2, 3});
#else
  const Tensor<float> x = zeros<float>(2, 3);
#endif
}
