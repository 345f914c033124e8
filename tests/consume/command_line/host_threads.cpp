// A program with parallel loops of its own: gloss leaves its settings alone, computes within its loops, and gives the
// same bits there.
#include <omp.h>

#include <cstdio>

#include <gloss/gloss.hpp>

int main() {
  using namespace gloss;
  omp_set_num_threads(3);
  omp_set_dynamic(0);
  omp_set_max_active_levels(2);
  const Tensor<float> a = rand<float>({200, 300}), b = rand<float>({300, 100});
  const Tensor<float> alone = matmul(a, b);
  int threads = 0, different = 0;
#pragma omp parallel for reduction(+ : threads, different)
  for (int i = 0; i < 3; ++i) {
    threads += omp_get_num_threads() == 3 ? 1 : 0;
    const Tensor<float> y = matmul(a, b);
    for (Index j = 0; j < y.numel(); ++j) different += y.data()[j] != alone.data()[j] ? 1 : 0;
  }
  std::printf("%d loops in 3 threads, %d different, then %d threads, %d levels, dynamic %d\n", threads, different,
              omp_get_max_threads(), omp_get_max_active_levels(), omp_get_dynamic());
}
