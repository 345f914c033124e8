// A fraction beside whole numbers: PyTorch promotes, gloss does not.
// expect: deleted
// expect: a fraction beside whole numbers: cast<float>(x) * 0.5
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<std::int64_t>& ids) {
#ifdef FIXED
  cast<float>(ids) * 0.5;
#else
  ids * 0.5;
#endif
}
