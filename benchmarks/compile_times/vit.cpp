// A program that only runs a ViT, to be compiled for scripts/compile_times.sh.
#include <iostream>

#include <gloss/io/pretrained.hpp>
#include <gloss/models/vit.hpp>

int main(int, char** argv) {
  using namespace gloss;
  const auto vit = io::from_pretrained<models::ViTForImageClassification<float>>(argv[1]);
  const NoGradGuard no_grad;
  const Tensor<float> logits = vit(zeros<float>({1, 3, vit.config.image_size, vit.config.image_size}));
  for (Index i = 0; i < logits.size(-1); ++i) std::cout << logits.at({0, i}) << "\n";
}
