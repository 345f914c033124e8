// A program that has opened other namespaces wide, and defined what old headers define, before it includes gloss. (The
// standard library's headers come first: libstdc++'s do not stand such macros.)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include <Eigen/Dense>

using namespace std;
using namespace Eigen;

#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

#include <gloss/gloss.hpp>
#include <gloss/text.hpp>

namespace mine {
struct Shape {};
int softmax(Shape) { return 2; }
}  // namespace mine

int main() {
  using namespace gloss;
  using namespace mine;
  const gloss::Tensor<float> x = {{1, 2}, {3, 4}};
  const MatrixXf m = MatrixXf::Ones(2, 2);
  const vector<float> v = {1, 2};
  printf("%g %g %g %d\n", sum(softmax(matmul(x, x), -1)).item(), m.sum(), v[1], softmax(mine::Shape{}));
}
