// Gradients flow through float and double only.
// expect gcc: candidate: 'void gloss::
// expect gcc: constraints not satisfied
// expect clang: 'long' does not satisfy 'Real'
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<std::int64_t>& counts) {
#ifdef FIXED
  sum(cast<double>(counts)).backward();
#else
  sum(counts).backward();
#endif
}
