// if (x == y): a comparison gives a tensor of booleans.
// expect: deleted
// expect: say any(x).item(), all(x).item() or x.defined()
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& a, const Tensor<float>& b) {
#ifdef FIXED
  if (all(a == b).item()) return;
#else
  if (a == b) return;
#endif
}
