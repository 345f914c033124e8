// Layers of one Sequential that do not fit together: the second is double.
// expect: nn::Sequential: all layers have its element type
#include <gloss/gloss.hpp>

using namespace gloss;

void use(const Tensor<float>& x) {
#ifdef FIXED
  nn::Sequential<float, nn::Linear<float>, nn::Linear<float>> net(nn::Linear<float>(2, 3), nn::Linear<float>(3, 1));
#else
  nn::Sequential<float, nn::Linear<float>, nn::Linear<double>> net(nn::Linear<float>(2, 3), nn::Linear<double>(3, 1));
#endif
  net(x);
}
