// What a user's first program may look like: a product, a softmax, a gradient.
// Also the hello-world that scripts/compile_times.sh times.
#include <cstdio>

#include <gloss/gloss.hpp>

int main() {
  using namespace gloss;
  Tensor<float> x = from_vector<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  Tensor<float> w = full<float>({3, 4}, 0.5f).requires_grad_();
  Tensor<float> p = softmax(matmul(x, w), -1);
  sum(p * p).backward();
  std::printf("p[0] is %g, the gradient's shape %s\n", p.select(0, 0).select(0, 0).item(),
              to_string(w.grad().shape()).c_str());
  return p.select(0, 1).select(0, 3).item() == 0.25f ? 0 : 1;
}
