// An option that is not there.
// expect gcc: candidate: 'gloss::
// expect clang: candidate constructor not viable: cannot convert initializer list argument to 'gloss::nn::LinearOptions'
#include <gloss/gloss.hpp>

using namespace gloss;

void use() {
#ifdef FIXED
  nn::Linear<float> layer(2, 3, {.bias = false});
#else
  nn::Linear<float> layer(2, 3, {.biased = false});
#endif
}
