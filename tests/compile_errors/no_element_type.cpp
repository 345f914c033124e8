// torch.zeros(2, 3): the element type is part of the C++ name.
// expect: deleted
// expect: name the element type: zeros<float>({2, 3})
#include <gloss/gloss.hpp>

using namespace gloss;

void use() {
#ifdef FIXED
  const Tensor<float> x = zeros<float>({2, 3});
#else
  const Tensor<float> x = zeros({2, 3});
#endif
}
