// Orthogonal initialisation needs Eigen and has a header of its own, which is included where all mistakes are mended.
// expect: #include <gloss/nn/orthogonal.hpp>, which needs Eigen
#include <gloss/gloss.hpp>

void fill(const gloss::Tensor<float>& weight) { gloss::nn::init::orthogonal_(weight); }
