// Built without OpenMP, everything works, on one thread.
#include <cstdio>

#include <gloss/gloss.hpp>

int main() {
  using namespace gloss;
  const Tensor<double> a = ones<double>({300, 200}), b = full<double>({200, 100}, 0.5);
  std::printf("%d thread, %g\n", static_cast<int>(num_threads()), matmul(a, b).at({299, 99}));
}
