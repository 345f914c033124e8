#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>

using namespace gloss;

template <Real T>
struct Classifier final : nn::Module<T> {
  nn::Linear<T> hidden, classes;

  Classifier(Index inputs, Index outputs) : hidden(inputs, 32), classes(32, outputs) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return log_softmax(classes(tanh(hidden(x))), -1); }
  void visit(nn::Visitor<T>& v) override { v("hidden", hidden), v("classes", classes); }
};

int main() {
  manual_seed(7);
  const Tensor<float> points = rand<float>({500, 2}, -1, 1);
  const auto inside = cast<std::int64_t>(sum(points * points, 1) < 0.5);  // is the point in a circle? 1 or 0

  Classifier<float> model(2, 2);
  optim::Adam<float> adam(model.parameters(), {.lr = 0.02});
  for (int step = 0; step < 300; ++step) {
    const Tensor<float> loss = -mean(gather(model(points), 1, inside.unsqueeze(1)));
    loss.backward();
    adam.step();
    adam.zero_grad();
  }
  const Tensor<float> questions = {{0, 0}, {0.4f, -0.3f}, {0.9f, 0.1f}, {-0.9f, -0.9f}};
  std::cout << "inside: " << argmax(model(questions), -1) << "\n";  // inside: [1, 1, 0, 0]
}
