// int is no element type on every machine: int32 is named by its size.
// expect: the element type must be float, double, bfloat16, int64, int32, uint8 or bool
#include <gloss/gloss.hpp>

using namespace gloss;

void use() {
#ifdef FIXED
  const Tensor<std::int32_t> x = {1, 2, 3};
#else
  const Tensor<long double> x;
#endif
}
