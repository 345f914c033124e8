// A new module, and training it: which of two interleaved spirals does a point lie on?
#include <cmath>
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>
#include <numbers>

using namespace gloss;

/// y = x + w_2(tanh(w_1(norm(x)))): a feed-forward block around which the input may pass unchanged.
/// Shape: [..., size] -> the same
/// Keys: norm., w_1., w_2.
template <Real T>
struct ResidualBlock final : nn::Module<T> {
  nn::LayerNorm<T> norm;
  nn::Linear<T> w_1, w_2;

  ResidualBlock(Index size, Index hidden) : norm(size), w_1(size, hidden), w_2(hidden, size) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(x + w_2(tanh(w_1(norm(x))))); }
  void visit(nn::Visitor<T>& v) override {
    v("norm", norm);
    v("w_1", w_1);
    v("w_2", w_2);
  }
};

/// Points of the plane to log-probabilities of two classes.
/// Shape: [n, 2] -> [n, 2]
template <Real T>
struct SpiralNet final : nn::Module<T> {
  nn::Linear<T> embed;
  std::vector<ResidualBlock<T>> blocks;  // a list of modules names its members blocks.0, blocks.1, ...
  nn::Linear<T> classes;

  SpiralNet(Index size, Index depth)
      : embed(2, size),
        blocks(nn::repeated(depth, [&] { return ResidualBlock<T>(size, 2 * size); })),
        classes(size, 2) {}
  Tensor<T> operator()(const Tensor<T>& points) const {
    Tensor<T> x = embed(points);
    for (const ResidualBlock<T>& block : blocks) x = block(x);
    return this->output(log_softmax(classes(x), -1));
  }
  void visit(nn::Visitor<T>& v) override {
    v("embed", embed);
    v("blocks", blocks);
    v("classes", classes);
  }
};

struct Points {
  Tensor<double> x;
  Tensor<std::int64_t> label;
};

/// n points, each at a random place on one of two spirals of one and a half turns, a little beside it.
Points draw_spirals(Index n) {
  const Tensor<std::int64_t> label = randint(0, 2, {n});
  const Tensor<double> r = rand<double>({n}, 0.15, 1), noise = 0.02 * randn<double>({n, 2});
  Tensor<double> x = empty<double>({n, 2});
  for (Index i = 0; i < n; ++i) {
    const double angle = std::numbers::pi * (3 * r.at({i}) + static_cast<double>(label.at({i})));
    x.at({i, 0}) = r.at({i}) * std::cos(angle);
    x.at({i, 1}) = r.at({i}) * std::sin(angle);
  }
  return {x + noise, label};
}

int main() {
  manual_seed(3);
  SpiralNet<double> model(16, 2);
  std::cout << model.num_parameters() << " numbers in these parameters:\n";
  for (const auto& [name, p] : model.named_parameters()) std::cout << "  " << name << " " << p.shape() << "\n";

  const Points train = draw_spirals(400), test = draw_spirals(1000);
  auto accuracy = [&](const Points& points) {
    NoGradGuard no_grad;
    return mean(cast<double>(argmax(model(points.x), -1) == points.label));
  };
  std::cout << "share of unseen points told right: " << accuracy(test) << "\n\n";

  optim::Adam<double> adam(model.parameters(), {.lr = 0.003});
  for (int step = 1; step <= 200; ++step) {
    const Tensor<double> loss = -mean(gather(model(train.x), 1, train.label.unsqueeze(1)));
    loss.backward();
    adam.step();
    adam.zero_grad();
    if (step % 40 == 0) std::cout << "step " << step << ": loss " << loss << "\n";
  }
  std::cout << "share of unseen points told right: " << accuracy(test) << "\n\n";

  // A module is a value: the copy has numbers of its own, and training one leaves the other alone.
  SpiralNet<double> copy = model;
  nn::init::zeros_(copy.classes.weight);
  std::cout << "and still after a copy of the model was spoilt: " << accuracy(test) << "\n";
}
