// A new operation: its value and its derivative, side by side, and the proof that they belong together.
#include <cmath>
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>

using namespace gloss;

/// y = ln cosh x, a loss that is x^2 / 2 near 0 and |x| - ln 2 far from it.
/// Written as |x| + ln(1 + e^(-2|x|)) - ln 2, which does not overflow.
/// Shape: any.
/// Backward: dx = dy * tanh(x); x is saved.
template <Real T>
Tensor<T> log_cosh(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) {
    const T a = std::abs(v);
    return a + std::log1p(std::exp(-2 * a)) - static_cast<T>(std::log(2.0));
  });
  return record("log_cosh", y, {x}, [x](const Tensor<T>& dy, Grads& dx) { dx.add(0, dy * tanh(x)); });
}

// With two inputs: each gets its gradient by position, and only if it asks for one.
/// y = sqrt(a^2 + b^2).
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// Backward: da = dy * a / y, db = dy * b / y, summed over stretched axes; y is saved.
template <Real T>
Tensor<T> hypotenuse(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = map_binary<T>("hypotenuse", a, b, [](T p, T q) { return std::hypot(p, q); });
  // y.detach() and not y: a closure that held y would keep the graph, and so itself, alive.
  return record("hypotenuse", y, {a, b}, [a, b, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> g = dy / dx.result(saved);  // y, in the graph when the backward is itself recorded
    if (dx.needs(0)) dx.add_summed(0, g * a);
    if (dx.needs(1)) dx.add_summed(1, g * b);
  });
}

/// log_cosh with a wrong derivative, to see it caught.
Tensor<double> careless(const Tensor<double>& x) {
  return record("careless", log_cosh(x).detach(), {x}, [x](const Tensor<double>& dy, Grads& dx) { dx.add(0, dy * x); });
}

int main() {
  const Tensor<float> x = Tensor<float>{-100, -1, 0, 0.5f, 100}.requires_grad_();
  const Tensor<float> y = log_cosh(x);
  std::cout << "log_cosh(x):     " << y << "\n";
  std::cout << "composed of ops: " << log((exp(x) + exp(-x)) / 2) << "\n";
  sum(y).backward();
  std::cout << "its gradient:    " << x.grad() << "\n\n";

  // gradcheck compares the recorded gradient with difference quotients, element by element, in double.
  manual_seed(2);
  const Tensor<double> a = randn<double>({3, 4}).requires_grad_(), b = randn<double>({4}).requires_grad_();
  using Inputs = std::vector<Tensor<double>>;
  std::cout << std::boolalpha;
  std::cout << "log_cosh: " << gradcheck([](const Inputs& in) { return log_cosh(in[0]); }, {a}) << "\n";
  std::cout << "hypotenuse, broadcast: " << gradcheck([](const Inputs& in) { return hypotenuse(in[0], in[1]); }, {a, b}) << "\n";
  std::cout << "hypotenuse, twice: " << gradgradcheck([](const Inputs& in) { return hypotenuse(in[0], in[1]); }, {a, b}) << "\n";
  try {
    gradcheck([](const Inputs& in) { return careless(in[0]); }, {Tensor<double>{0, 2}.requires_grad_()});
  } catch (const GradError& e) {  // the text goes on with the two values that differ
    std::cout << "careless: " << std::string(e.what()).substr(0, std::string(e.what()).find(": backward gives"))
              << "\n\n";
  }

  // A backward made of operations can be differentiated again: the second derivative of ln cosh is 1 - tanh^2.
  const Tensor<double> t = Tensor<double>{0, 1}.requires_grad_();
  const Tensor<double> first = grad(sum(log_cosh(t)), {t}, {.create_graph = true})[0];
  std::cout << "second derivative: " << grad(sum(first), {t})[0] << ", 1 - tanh^2: " << 1 - pow(tanh(t.detach()), 2)
            << "\n";
}
