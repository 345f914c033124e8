// Exits with 0 when a gradient is right.
#include <gloss/gloss.hpp>

int main() {
  const auto x = gloss::full<float>({2, 3}, 2).requires_grad_();
  gloss::sum(x * x).backward();
  return x.grad().at({1, 2}) == 4 ? 0 : 1;
}
