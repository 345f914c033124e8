// A double optimizer for a float model.
// expect gcc: from 'vector<Tensor<float>,allocator<Tensor<float>>>' to 'vector<Tensor<double>,allocator<Tensor<double>>>'
// expect clang: no matching constructor for initialization of 'optim::Adam<double>'
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const nn::Linear<float>& model) {
#ifdef FIXED
  optim::Adam<float> adam(model.parameters());
#else
  optim::Adam<double> adam(model.parameters());
#endif
}
