// clones copies layers.
// expect: IsModule
#include <gloss/gloss.hpp>

using namespace gloss;

void use() {
#ifdef FIXED
  nn::clones(nn::Linear<float>(2, 3), 4);
#else
  nn::clones(3, 4);
#endif
}
