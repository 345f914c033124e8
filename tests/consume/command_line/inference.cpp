// Built with GLOSS_INFERENCE: values are the same, and nothing is put into a graph.
#include <cstdio>

#include <gloss/gloss.hpp>

int main() {
  using namespace gloss;
  nn::Linear<float> layer(3, 2);
  nn::init::constant_(layer.weight, 0.5f);
  nn::init::zeros_(layer.bias);
  const GradGuard recorded(true);
  const Tensor<float> y = sum(gelu(relu(layer(ones<float>({1, 3}))) - 1.5f));
  std::printf("%d %d %g, ", int(is_grad_enabled()), int(y.requires_grad()), double(y.item()));
  try {
    y.backward();
  } catch (const GradError& error) {
    std::printf("%s\n", error.what());
  }
}
