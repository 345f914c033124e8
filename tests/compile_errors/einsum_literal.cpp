// An axis of the result that no operand has.
// expect: einsum: axis '
// expect: of the result of '
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& a, const Tensor<float>& b) {
#ifdef FIXED
  einsum("ij,jk->ik", a, b);
#else
  einsum("ij,jk->iq", a, b);
#endif
}
