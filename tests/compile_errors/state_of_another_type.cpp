// An entry of a state dict says its type when it is read.
// expect: AnyTensor
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const nn::StateDict& state) {
#ifdef FIXED
  const Tensor<float> w = state.entry(0).second.as<float>();
#else
  const Tensor<float> w = state.entry(0).second;
#endif
}
