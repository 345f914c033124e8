// A softmax of whole numbers: token ids went where scores belong.
// expect: deleted
// expect: wants float or double: softmax(cast<float>(x), axis)
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<std::int64_t>& ids) {
#ifdef FIXED
  softmax(cast<float>(ids), -1);
#else
  softmax(ids, -1);
#endif
}
