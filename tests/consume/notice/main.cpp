// Uses tensors more than once, and prints what it computed.
#include <cstdio>

#include <gloss/tensor/tensor.hpp>

int main() {
  const auto a = gloss::ones<float>({3}), b = gloss::zeros<float>({3});
  std::printf("%g\n", static_cast<double>(a.data()[0] + b.data()[2]));
}
