// torch.optim.Adam wants parameters, and so does this one.
// expect gcc: no known conversion for argument 1 from 'const gloss::
// expect clang: no known conversion from 'const nn::Linear<float>' to 'std::vector<Tensor<float>>' for 1st argument
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const nn::Linear<float>& model) {
#ifdef FIXED
  optim::Adam<float> adam(model.parameters(), {.lr = 1e-3});
#else
  optim::Adam<float> adam(model, {.lr = 1e-3});
#endif
}
