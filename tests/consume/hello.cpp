// The program of a user: a product, a softmax, a gradient. Also the hello-world of scripts/compile_times.sh.
#include <cstdio>

#include <gloss/gloss.hpp>

int main() {
  gloss::manual_seed(1);
  gloss::Shape shape{2, 3};
  std::printf("%s\n", to_string(shape).c_str());
}
