// A float layer called with a double tensor.
// expect gcc: no known conversion for argument 1 from 'const gloss::
// expect clang: no known conversion from 'const Tensor<double>' to 'const Tensor<float>' for 1st argument
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const nn::Linear<float>& layer, const Tensor<double>& x) {
#ifdef FIXED
  layer(cast<float>(x));
#else
  layer(x);
#endif
}
