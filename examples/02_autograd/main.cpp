// Autograd: derivatives of whatever was computed, by going back through it.
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>

using namespace gloss;

int main() {
  // A leaf is a tensor that asks for a gradient. Every operation on it is recorded with its way back; backward()
  // follows the record from a single number to the leaves.
  Tensor<double> x = {1, 2, 3};
  x.requires_grad_();
  const Tensor<double> y = sum(x * x * x);
  y.backward();
  std::cout << "y = sum x^3 at " << x << " is " << y << "\n";
  std::cout << "dy/dx = 3 x^2 = " << x.grad() << "\n\n";

  // Gradients add up until they are forgotten, which is how a batch can be taken in pieces.
  sum(2 * x).backward();
  std::cout << "after sum(2 x).backward(), x.grad() is " << x.grad() << "\n";
  x.zero_grad();
  std::cout << "after x.zero_grad(), it is " << x.grad() << "\n\n";

  // Broadcasting, views and indexing are recorded too: a stretched axis sums its gradients, what was not read gets 0.
  Tensor<double> bias = zeros<double>({2}).requires_grad_();
  Tensor<double> m = ones<double>({3, 2}).requires_grad_();
  sum((m + bias).slice(0, 0, 2) * 5).backward();
  std::cout << "gradient of a bias used in two of three rows: " << bias.grad() << ", of the rows:\n"
            << m.grad() << "\n\n";

  // grad() returns derivatives instead of adding them to the leaves. With create_graph the way back is recorded as
  // well, so it can be differentiated again: here to f(x) = x^3 - 2x, f' = 3x^2 - 2 and f'' = 6x.
  Tensor<double> t = scalar<double>(1.5).requires_grad_();
  const Tensor<double> f = t * t * t - 2 * t;
  const Tensor<double> f1 = grad(f, {t}, {.create_graph = true})[0];
  const Tensor<double> f2 = grad(f1, {t})[0];
  std::cout << "f, f', f'' at 1.5: " << f << " " << f1 << " " << f2 << "\n";

  // Newton's method on f' finds the minimum of f, sqrt(2/3). Changing a leaf in place needs a NoGradGuard: within it,
  // nothing is recorded.
  for (int i = 0; i < 6; ++i) {
    const Tensor<double> slope = grad(t * t * t - 2 * t, {t}, {.create_graph = true})[0];
    const Tensor<double> curvature = grad(slope, {t})[0];
    NoGradGuard no_grad;
    t.copy_(t - slope / curvature);
  }
  std::cout << "Newton's method ends at " << t << ", sqrt(2/3) is " << sqrt(scalar<double>(2.0 / 3)) << "\n\n";

  // A line through noisy points, by gradient descent: the loop that every training is made of.
  manual_seed(4);
  const Tensor<double> u = rand<double>({200}, -1, 1);
  const Tensor<double> v = 3 * u - 0.5 + 0.1 * randn<double>({200});
  Tensor<double> slope = scalar<double>(0).requires_grad_(), offset = scalar<double>(0).requires_grad_();
  for (int step = 0; step <= 100; ++step) {
    const Tensor<double> loss = mean(pow(slope * u + offset - v, 2));
    loss.backward();
    if (step % 25 == 0) std::cout << "step " << step << ": loss " << loss << "\n";
    NoGradGuard no_grad;
    for (Tensor<double>* p : {&slope, &offset}) {
      p->copy_(*p - 0.3 * p->grad());
      p->zero_grad();
    }
  }
  std::cout << "v = " << slope << " u + " << offset << "\n\n";

  // detach() is the same memory outside the graph; mistakes are said in words.
  try {
    x.detach().backward(ones<double>({3}));
  } catch (const GradError& e) {
    std::cout << e.what() << "\n";
  }
  try {
    const Tensor<double> z = sum(x * x);
    z.backward();
    z.backward();
  } catch (const GradError& e) {
    std::cout << e.what() << "\n";
  }
}
