// Only floating point tensors can be leaves.
// expect gcc: requires  Real<T> [with T = long int]
// expect gcc: constraints not satisfied
// expect clang: 'long' does not satisfy 'Real'
#include <gloss/gloss.hpp>

using namespace gloss;

void use(Tensor<std::int64_t>& ids) {
#ifdef FIXED
  cast<float>(ids).requires_grad_();
#else
  ids.requires_grad_();
#endif
}
