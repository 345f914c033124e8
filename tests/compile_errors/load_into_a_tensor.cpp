// load_state_dict loads into a module.
// expect gcc: is not derived from 'gloss::
// expect clang: could not match 'Module' against 'Tensor'
#include <gloss/gloss.hpp>

using namespace gloss;

void use(Tensor<float>& weight, const nn::StateDict& state) {
#ifdef FIXED
  nn::Linear<float> model(2, 3);
  nn::load_state_dict(model, state);
#else
  nn::load_state_dict(weight, state);
#endif
}
