// A product of two element types: one hot vectors of integers times weights.
// expect: deleted
// expect: the element types differ: matmul(a, cast<float>(b))
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<std::int64_t>& one_hot, const Tensor<float>& weight) {
#ifdef FIXED
  matmul(cast<float>(one_hot), weight);
#else
  matmul(one_hot, weight);
#endif
}
